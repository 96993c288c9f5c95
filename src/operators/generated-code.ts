/** A text as code. Names of columns only ever get into code as this. */
export const literal = (text: string): string => JSON.stringify(text);

/**
 * A value made by code: a property of a fixed name is read some ten times faster than one whose name is in a variable, and a call
 * that stands in the code is inlined. Null where the process forbids code from strings (`--disallow-code-generation-from-strings`):
 * whoever asks has a general way.
 *
 * @param scope what the code knows by name
 */
export function compiled<F>(body: string, scope: Readonly<Record<string, unknown>>): F | null {
  try {
    // oxlint-disable-next-line typescript/no-implied-eval -- it is what this module is for
    return new Function(...Object.keys(scope), `'use strict'; ${body}`)(...Object.values(scope)) as F;
  } catch (error) {
    if (error instanceof EvalError) return null;
    throw error;
  }
}

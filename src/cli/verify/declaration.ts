import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Declare } from '../../streams/verify-replay.js';
import { InputError } from '../report.js';

/** The declarations of a program: what a module of its user exports as default, or as `declare`. */
export async function declarationIn(path: string): Promise<Declare> {
  const file = resolve(path);
  assertSamePackage(file);
  const found = (await import(pathToFileURL(file).href).catch((cause) => {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw Object.assign(new InputError(`${path} cannot be imported: ${why}`), { cause });
  })) as { readonly default?: unknown; readonly declare?: unknown };
  const declare = typeof found.declare === 'function' ? found.declare : found.default;
  if (typeof declare === 'function') return declare as Declare;
  throw new InputError(
    `${path} exports no declarations. Export them: export default (mill) => { mill.stream('readings', { … }); … }.`,
  );
}

/** Operators of another copy of millrace would not find the mill that asks them for their state. */
function assertSamePackage(file: string): void {
  const own = fileURLToPath(new URL('../../index.js', import.meta.url));
  let used: string;
  try {
    used = createRequire(file).resolve('millrace');
  } catch {
    return;
  }
  if (used === own) return;
  throw new InputError(
    `${file} uses the millrace in ${used}, and this is another one, ${own}: run the one that the program has, as npx millrace does in its folder.`,
  );
}

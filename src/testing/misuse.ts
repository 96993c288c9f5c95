import { MillraceError } from '../errors.js';

export function badMarbles(marbles: string, at: number, what: string): MillraceError {
  return invalid(`Marbles "${marbles}", character ${at + 1}: ${what}.`);
}

export function afterTheEnd(closed: number, frame: number): MillraceError {
  return invalid(
    `The mill is closed in frame ${closed} ("|"), but marbles say that something happens in frame ${frame}.`,
  );
}

export function unequalLengths(lengths: ReadonlyMap<string, number>): MillraceError {
  const each = [...lengths].map(([stream, length]) => `"${stream}" has ${length}`).join(', ');
  return invalid(`Marbles of several streams must have as many frames each: ${each}. Fill up with "-".`);
}

export function unknownLetter(letter: string, stream: string, known: readonly string[]): MillraceError {
  const letters = known.length === 0 ? 'there are none' : `there are ${known.join(', ')}`;
  return invalid(`Option values has no event for the letter "${letter}" of stream "${stream}": ${letters}.`);
}

export function notASource(name: string, sources: readonly string[]): MillraceError {
  return invalid(
    `"${name}" is not a stream that is appended to; declare has declared ${listOf(sources)}. Events of other streams are derived.`,
  );
}

export function whichSource(sources: readonly string[], how: string): MillraceError {
  const there = sources.length === 0 ? 'declare has declared none' : `there are ${listOf(sources)}`;
  return invalid(`It is not clear which stream the events go to, as ${there}. Name it: ${how}.`);
}

export function asynchronousDeclare(): MillraceError {
  return invalid(
    'declare must not be async: streams are declared before the mill starts, and the mill is started for it.',
  );
}

export function nothingDerived(): MillraceError {
  return invalid('There is nothing to compare: declare has declared no derived stream and no table.');
}

export function noCrashPoint(what: string, operations: number): MillraceError {
  return invalid(`There is no crash point: ${what}. The run without a crash has ${operations} operations of the disk.`);
}

export function notTheSameTwice(operation: number): MillraceError {
  return invalid(
    `The program is not the same in each run: it never came to operation ${operation} of the disk, where it was to crash. ` +
      'What it declares must not depend on chance, on the time of day or on what was done before.',
  );
}

export function invalid(message: string, cause?: unknown): MillraceError {
  return new MillraceError('INVALID_ARGUMENT', message, { cause });
}

function listOf(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.map((name) => `"${name}"`).join(', ');
}

import { MillraceError } from '../errors.js';
import { StorageError } from '../storage/storage.js';
import { oneLine } from './words.js';

/**
 * How a command ends. `done`: all that was asked. `failed`: an error, told in one line on stderr. `misuse`: the arguments
 * make no sense. `partly`: done, but not all was well (rows were rejected, bytes could not be read); the output says what.
 */
export const EXIT = { done: 0, failed: 1, misuse: 2, partly: 3, interrupted: 130 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Arguments that are each fine, but not together or not for this file: the exit code is 2. */
export class Misuse extends Error {}

/** Something in the input that ends the command, with the place where it is. */
export class InputError extends Error {}

const SYSTEM_WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or directory',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EISDIR: 'it is a directory',
  ENOTDIR: 'a part of the path is not a directory',
  ENOSPC: 'the disk is full',
  EROFS: 'the file system is read-only',
};

/** An error in one line, with its code. */
export function inWords(error: unknown): string {
  if (error instanceof MillraceError) return oneLine(`${error.message} (${error.code})`);
  if (error instanceof StorageError) {
    const reason = SYSTEM_WORDS[error.code] ?? oneLine(error.message);
    return oneLine(`cannot ${error.operation} ${error.path}: ${reason} (${error.code})`);
  }
  return oneLine(error instanceof Error ? error.message : String(error));
}

/** Tells a failure on stderr, and gives the exit code that it means. */
export function report(error: unknown): ExitCode {
  process.stderr.write(`millrace: ${inWords(error)}\n`);
  if (process.env.MILLRACE_DEBUG && error instanceof Error) process.stderr.write(`${stacksOf(error)}\n`);
  return error instanceof Misuse ? EXIT.misuse : EXIT.failed;
}

function stacksOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by: ${stacksOf(error.cause)}` : '';
  return `${error.stack}${cause}`;
}

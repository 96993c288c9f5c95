import { describe, MillraceError } from '../errors.js';

/** The errors of a mill that is used at the wrong time, or with the wrong names. */

export function badDirectory(): MillraceError {
  return new MillraceError('INVALID_OPTION', 'A mill needs the path of its directory: new Millrace("./plant").');
}

export function badName(name: unknown, fault: string): MillraceError {
  return new MillraceError(
    'INVALID_ARGUMENT',
    `The stream name ${JSON.stringify(String(name).slice(0, 200))} ${fault}.`,
  );
}

export function nameTaken(stream: string): MillraceError {
  return new MillraceError('NAME_TAKEN', `Stream "${stream}" is declared already; declare each stream once.`, {
    stream,
  });
}

export function unknownStream(stream: string, directory: string, known: readonly string[]): MillraceError {
  const message = `There is no stream "${stream}" in ${directory}; it has ${known.join(', ') || 'none'}.`;
  return new MillraceError('UNKNOWN_STREAM', message, { stream });
}

export function notStarted(directory: string, use: string): MillraceError {
  return new MillraceError(
    'NOT_STARTED',
    `The mill in ${directory} is not started: await mill.start() before you ${use}.`,
  );
}

export function alreadyStarted(directory: string): MillraceError {
  return new MillraceError('ALREADY_STARTED', `The mill in ${directory} was started already.`);
}

export function closed(directory: string, use: string): MillraceError {
  const message = `The mill in ${directory} is closed: you cannot ${use}. Make a new Millrace to open it again.`;
  return new MillraceError('CLOSED', message);
}

/** Anything that `start` met and that has no code of its own came from the disk. */
export function couldNotOpen(directory: string, cause: unknown): MillraceError {
  if (cause instanceof MillraceError) return cause;
  const message = `The mill in ${directory} could not be opened: ${describe(cause)}. Nothing was lost; mend the cause and start again.`;
  return new MillraceError('IO', message, { path: directory, cause });
}

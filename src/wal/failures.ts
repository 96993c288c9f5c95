import { describe, MillraceError } from '../errors.js';

/** The commit is not in the log, durably so. */
export function notWritten(commit: number, cause: unknown): MillraceError {
  const message = `Commit ${commit} could not be written (${describe(cause)}). Nothing of it is in the log: it is safe to append again once there is room.`;
  return new MillraceError('NOT_WRITTEN', message, { commit, cause });
}

/** A failure after which nothing may be promised any more. */
export function unknownOutcome(commit: number, what: string, cause: unknown): MillraceError {
  const message = `${what} Whether it survives is unknown; nothing more is accepted. Close the mill and start it again: recovery decides, and reports what it found.`;
  return new MillraceError('OUTCOME_UNKNOWN', message, { commit, cause });
}

/** What those hear who come after such a failure. */
export function poisonedBy(failure: MillraceError): MillraceError {
  const message = `The log takes nothing more since a failure at commit ${failure.commit}: ${failure.message} This event was not written.`;
  return new MillraceError('POISONED', message, { commit: failure.commit, cause: failure });
}

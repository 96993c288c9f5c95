/**
 * The stable codes of millrace's errors. Codes are API, messages are not.
 *
 * Use of the mill: `NOT_STARTED`, `ALREADY_STARTED`, `CLOSED`, `NAME_TAKEN`, `UNKNOWN_STREAM`, `INVALID_OPTION`, `INVALID_ARGUMENT`.
 * Input: `SCHEMA` (a value, row or declaration that does not fit), `SCHEMA_CHANGED` (a declaration that is not the remembered one).
 * Writing: `NOT_WRITTEN` (this commit is not in the log, safe to retry), `OUTCOME_UNKNOWN` (a sync failed: it may or may not survive),
 * `POISONED` (an earlier sync failed, restart to recover), `FULL` (the log cannot take more just now, nothing was written).
 * Opening: `LOCKED`, `NOT_A_MILL`, `CORRUPT_LOG`, `CORRUPT_MANIFEST`, `UNSUPPORTED_VERSION`.
 * Reading: `CORRUPT_SEGMENT`, `CORRUPT_STATE` (a file of the snapshot is damaged). The disk: `IO`.
 */
export type ErrorCode =
  | 'NOT_STARTED'
  | 'ALREADY_STARTED'
  | 'CLOSED'
  | 'NAME_TAKEN'
  | 'UNKNOWN_STREAM'
  | 'INVALID_OPTION'
  | 'INVALID_ARGUMENT'
  | 'SCHEMA'
  | 'SCHEMA_CHANGED'
  | 'NOT_WRITTEN'
  | 'OUTCOME_UNKNOWN'
  | 'POISONED'
  | 'FULL'
  | 'LOCKED'
  | 'NOT_A_MILL'
  | 'CORRUPT_LOG'
  | 'CORRUPT_MANIFEST'
  | 'CORRUPT_SEGMENT'
  | 'CORRUPT_STATE'
  | 'UNSUPPORTED_VERSION'
  | 'IO';

/** Where the error is: whichever of these is known. Offsets and lengths are bytes, rows are counted from 0. */
export interface ErrorPosition {
  readonly path?: string;
  readonly offset?: number;
  readonly commit?: number;
  readonly lsn?: number;
  readonly stream?: string;
  readonly column?: string;
  readonly row?: number;
}

export interface MillraceErrorOptions extends ErrorPosition {
  readonly cause?: unknown;
}

/**
 * Every error millrace throws or rejects with. Branch on `code`; the message says what happened, where, and what to do.
 *
 * @example
 * try {
 *   await readings.append(event);
 * } catch (error) {
 *   if (error instanceof MillraceError && error.code === 'NOT_WRITTEN') retry(event);
 *   else throw error;
 * }
 */
export class MillraceError extends Error implements ErrorPosition {
  override readonly name: string = 'MillraceError';
  readonly code: ErrorCode;
  declare readonly path?: string;
  declare readonly offset?: number;
  declare readonly commit?: number;
  declare readonly lsn?: number;
  declare readonly stream?: string;
  declare readonly column?: string;
  declare readonly row?: number;

  constructor(code: ErrorCode, message: string, options: MillraceErrorOptions = {}) {
    const { cause, ...position } = options;
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    Object.assign(this, position);
  }
}

/** A value, row or declaration that does not fit the schema. `stream`, `column` and `row` say where. */
export class SchemaError extends MillraceError {
  override readonly name = 'SchemaError';

  constructor(message: string, position: MillraceErrorOptions = {}, code: 'SCHEMA' | 'SCHEMA_CHANGED' = 'SCHEMA') {
    super(code, message, position);
  }
}

/**
 * The log holds an unreadable place at or below a commit that is known to have been durable: what was promised cannot be read.
 * The mill refuses to open and changes nothing. `path`, `offset` and `commit` say where.
 */
export class CorruptLogError extends MillraceError {
  override readonly name = 'CorruptLogError';

  constructor(message: string, position: MillraceErrorOptions) {
    super('CORRUPT_LOG', message, position);
  }
}

/** A short description of anything that was thrown. */
export function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

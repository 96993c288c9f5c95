import { describe, MillraceError, SchemaError } from '../../errors.js';
import { shown } from '../values.js';

/** A derivation stops with those whose rows it reads: it would miss what they give once they go on. */
export function inputFailed(name: string, input: string, lsn: number, cause: unknown): MillraceError {
  const message = `"${name}" stopped at lsn ${lsn}, as "${input}", which it reads, stopped there: ${describe(cause)}`;
  return new MillraceError('INVALID_ARGUMENT', message, { stream: name, lsn, cause });
}

export function lateDeclaration(name: string): MillraceError {
  const message = `"${name}" is derived and must be declared before start(): the log is re-emitted into its pipeline then.`;
  return new MillraceError('ALREADY_STARTED', message, { stream: name });
}

export function shapeChanged(
  name: string,
  before: readonly string[],
  now: readonly string[],
  version: number,
): SchemaError {
  const gone = before.filter((part) => !now.includes(part));
  const come = now.filter((part) => !before.includes(part));
  const what = [...gone.map((part) => `was there: ${part}`), ...come.map((part) => `is new: ${part}`)];
  const differences = what.length > 0 ? what.join('; ') : `the order was ${before.join(', ')}, now ${now.join(', ')}`;
  const message =
    `The pipeline of "${name}" is not the one whose state was saved: ${differences}. Nothing was changed. ` +
    `Declare it as it was, or with version: ${version + 1}: then it is built anew from history, beside the rows that are there, and takes their place when it has caught up.`;
  return new SchemaError(message, { stream: name }, 'SCHEMA_CHANGED');
}

export function olderVersion(name: string, saved: number, declared: number): SchemaError {
  const message = `"${name}" is in this mill as version ${saved}, and is declared as version ${declared} now. Declare version ${saved}, or a higher one to have it built anew. Nothing was changed.`;
  return new SchemaError(message, { stream: name }, 'SCHEMA_CHANGED');
}

/** What the option `version` says. @throws MillraceError `INVALID_OPTION` */
export function versionOf(name: string, version: unknown = 1): number {
  if (Number.isSafeInteger(version) && (version as number) >= 1) return version as number;
  const message = `Option version of "${name}" must be a whole number from 1 on, not ${shown(version)}.`;
  throw new MillraceError('INVALID_OPTION', message, { stream: name });
}

export function otherKind(name: string, was: string, is: string): SchemaError {
  const message = `"${name}" is ${was} in this mill, and is declared as ${is} now. Give it another name. Nothing was changed.`;
  return new SchemaError(message, { stream: name }, 'SCHEMA_CHANGED');
}

export function noSchema(name: string, why: string): SchemaError {
  return new SchemaError(
    `The rows of derived stream "${name}" are not known: ${why}. Declare them: mill.stream(${JSON.stringify(name)}, { from, schema: { … } }).`,
    { stream: name },
  );
}

export function notDerived(name: string, given: unknown): MillraceError {
  const message = `Option from of "${name}" must be a pipeline, an Observable such as readings.pipe(…), not ${given === null ? 'null' : typeof given}.`;
  return new MillraceError('INVALID_OPTION', message, { stream: name });
}

/** A replay of one log says nothing of another one. */
export function otherMill(name: string, stream: string): MillraceError {
  const message = `The pipeline of "${name}" reads stream "${stream}" of another mill. It can read streams of its own mill only: subscribe to the other one outside of pipelines, and append what comes to a stream of this mill.`;
  return new MillraceError('INVALID_ARGUMENT', message, { stream: name });
}

/** What the option `onError` says. @throws MillraceError `INVALID_OPTION` */
export function isDeadLetter(name: string, onError: unknown): boolean {
  if (onError === undefined || onError === 'stop' || onError === 'deadLetter') return onError === 'deadLetter';
  const message = `Option onError of "${name}" must be 'stop' or 'deadLetter', not ${shown(onError)}.`;
  throw new MillraceError('INVALID_OPTION', message, { stream: name });
}

/** A pipeline reads a table that is in another turn. */
export function notInTurn(table: string, pipeline: string, lsn: number, why: string): MillraceError {
  const message = `The pipeline of "${pipeline}" reads table "${table}" at lsn ${lsn}, but the table ${why}: its rows would be others than in that turn. Take lookupJoin(${table}, …), which has its rows as they were then.`;
  return new MillraceError('INVALID_ARGUMENT', message, { stream: pipeline, lsn });
}

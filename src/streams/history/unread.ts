import { catchError, type MonoTypeOperatorFunction, throwError } from 'rxjs';
import { describe, MillraceError } from '../../errors.js';

/** What a reader is told of an error: what the disk says has code `IO`. Another reading may go well. */
export function unread(cause: unknown): MillraceError {
  if (cause instanceof MillraceError) return cause;
  const message = `History could not be read: ${describe(cause)}. Nothing is lost; read again.`;
  return new MillraceError('IO', message, { cause });
}

export function toldAsUnread<T>(): MonoTypeOperatorFunction<T> {
  return catchError((error) => throwError(() => unread(error)));
}

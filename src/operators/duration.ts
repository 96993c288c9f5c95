import parseDuration from 'parse-duration';
import { MillraceError } from '../errors.js';

/** A length of time: `'1m'`, `'1h30m'`, `'250ms'`, or a number of milliseconds. */
export type Duration = string | number;

export interface DurationLimits {
  /** Milliseconds; the least that is allowed. Default: anything above 0. */
  readonly min?: number;
  /** Whether it must be a whole number of milliseconds. */
  readonly whole?: boolean;
}

/** Milliseconds of a duration. @throws MillraceError `INVALID_OPTION` that names the option. */
export function millisecondsOf(name: string, value: Duration, limits: DurationLimits = {}): number {
  const { min = Number.MIN_VALUE, whole = false } = limits;
  // '0s' is null to the parser.
  const parsed =
    typeof value === 'string' ? (parseDuration(value) ?? (/^[+-]?0+[a-z]*$/i.test(value) ? 0 : null)) : value;
  const isFine =
    typeof parsed === 'number' && Number.isFinite(parsed) && parsed >= min && (!whole || Number.isSafeInteger(parsed));
  if (!isFine) {
    const least = min === Number.MIN_VALUE ? 'above 0' : min === -Infinity ? 'of any sign' : `of at least ${min}`;
    throw new MillraceError(
      'INVALID_OPTION',
      `Option ${name} must be a duration such as '30s' or '1h30m', or a ${whole ? 'whole ' : ''}number of milliseconds, ${least}, not ${JSON.stringify(value) ?? String(value)}.`,
    );
  }
  return parsed;
}

import { compiled, literal } from '../generated-code.js';
import type { OperatorHome } from '../pipeline-scope.js';
import { keyReader, TIME_MAX, timeColumn, timeReader } from '../stateful/key-reader.js';
import { type Identity, identityOf, type Key, type KeyPart } from './key.js';

const NAME = 'windowed';

/** What a window reads of an event first. */
export interface EventReader {
  /** Milliseconds. @throws MillraceError `INVALID_ARGUMENT` for what is no finite number of these. */
  readonly timeOf: (event: unknown) => number;
  /** @throws MillraceError `INVALID_ARGUMENT` for an event without one. */
  readonly keyOf: (event: unknown) => Key;
  /** That of its key. */
  readonly identityOf: (event: unknown) => Identity;
}

/** To be made when the home has loaded. @throws MillraceError `INVALID_OPTION` where nobody knows the column with the time */
export function eventReader(time: string | undefined, by: readonly string[], home: OperatorHome): EventReader {
  const general = generalReader(time, by, home);
  const timeOf = compiled<EventReader['timeOf']>(
    `return (event) => {
      const time = event?.[${literal(timeColumn(NAME, time ?? null, home))}];
      return time >= -${TIME_MAX} && time <= ${TIME_MAX} && typeof time === 'number' ? time : timeOf(event);
    };`,
    { timeOf: general.timeOf },
  );
  if (timeOf === null) return general;
  if (by.length !== 1) return { ...general, timeOf };
  const identityOf = compiled<EventReader['identityOf']>(
    `return (event) => { const key = event[${literal(by[0]!)}]; return typeof key === 'string' ? key : keyOf(event); };`,
    { keyOf: general.keyOf },
  );
  return { timeOf, keyOf: general.keyOf, identityOf: identityOf! };
}

function generalReader(time: string | undefined, by: readonly string[], home: OperatorHome): EventReader {
  const timeOf = timeReader(NAME, time ?? null, home);
  const keyOf = keyReader(NAME, by);
  if (by.length === 1) return { timeOf, keyOf, identityOf: keyOf as (event: unknown) => KeyPart };
  return { timeOf, keyOf, identityOf: by.length === 0 ? () => '' : (event) => identityOf(keyOf(event)) };
}

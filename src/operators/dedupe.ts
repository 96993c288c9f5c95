import type { MonoTypeOperatorFunction } from 'rxjs';
import { columnarCodec, type Numbers } from '../snapshots/columnar-codec.js';
import type { StateKey } from '../snapshots/state-key.js';
import { type Duration, millisecondsOf } from './duration.js';
import { Expiry } from './stateful/expiry.js';
import { columnName, invalidOption, keyColumns, optionsObject } from './stateful/key-options.js';
import { keyReader, timeReader } from './stateful/key-reader.js';
import { stateful } from './stateful/stateful.js';

export interface DedupeOptions<T, By extends keyof T & string = keyof T & string> {
  /** The columns that are equal in repeats, whose values are strings, numbers, bigints or booleans. */
  readonly by: By | readonly By[];
  /** For how long, in event time, a repeat is dropped. */
  readonly ttl: Duration;
  /** The column with the event time, in milliseconds since 1970-01-01. Default: in a mill, that of the stream. */
  readonly time?: keyof T & string;
}

/** For each key: the time of the event that passed, and the largest time seen when it did. */
const TIME = 0;
const SEEN = 1;

/**
 * Lets the first event of each key pass, and drops the ones of the same key whose time is less than `ttl` after that of the event
 * that passed; the first one that is later passes, and the same begins anew. Events that come out of order count as repeats however old
 * they are.
 *
 * State is kept for each key until the largest time seen, over all keys, is `ttl` after what it was when its event passed. So a repeat
 * that comes later than that passes, also if its own time is old: take a `ttl` that covers by how much events are late.
 *
 * @throws MillraceError `INVALID_OPTION` at once for options that do not fit, without `time` outside of a mill as an error of the stream; as
 * such also `INVALID_ARGUMENT` for an event without a finite time or a key
 * @example
 * messages.pipe(dedupe({ by: 'messageId', ttl: '10m' })); // a sender that tries again is heard once
 */
export function dedupe<T, By extends keyof T & string = keyof T & string>(
  options: DedupeOptions<NoInfer<T>, By>,
): MonoTypeOperatorFunction<T> {
  const { by: columns, ttl: duration, time: named } = optionsObject('dedupe', options, "{ by: 'id', ttl: '10m' }");
  const by = keyColumns(columns);
  if (by.length === 0) throw invalidOption('Option by of dedupe must name the columns that are equal in repeats.');
  const ttl = millisecondsOf('ttl', duration);
  const time = named === undefined ? null : columnName('time', named);
  const keyOf = keyReader('dedupe', by);
  return stateful<T, T>({
    name: 'dedupe',
    shape: { by, ttl, time },
    passesRows: true,
    open: (home, rows) => {
      const passed = home.keyed<StateKey, Numbers, Float64Array>('passed', columnarCodec(2));
      const expiry = new Expiry(home, ttl, (slot) => passed.remove(slot));
      let timeOf = (_event: unknown): number => 0;
      home.whenLoaded(() => {
        timeOf = timeReader('dedupe', time, home);
        expiry.load([...passed.slots()].map((slot) => [slot, passed.values(slot)[passed.offset(slot) + SEEN]!]));
      });
      return {
        next: (event) => {
          const at = timeOf(event);
          const key = keyOf(event);
          expiry.advance(at);
          const found = passed.find(key);
          if (found >= 0 && at < passed.values(found)[passed.offset(found) + TIME]! + ttl) return;
          const slot = found >= 0 ? found : passed.claim(key);
          const values = passed.change(slot);
          const offset = passed.offset(slot);
          values[offset + TIME] = at;
          values[offset + SEEN] = found >= 0 ? expiry.touch(slot) : expiry.add(slot);
          rows.next(event);
        },
      };
    },
  });
}

import { type OperatorFunction, bufferCount as plainBufferCount, type Subscriber } from 'rxjs';
import { MillraceError } from '../../errors.js';
import type { KeyedState } from '../../snapshots/keyed-state.js';
import { jsonCodec } from '../../snapshots/state-codec.js';
import type { OperatorHome } from '../pipeline-scope.js';
import { type Cell, Cells } from '../stateful/cells.js';
import { stateful } from '../stateful/stateful.js';

/**
 * RxJS's `bufferCount`, whose state a mill keeps: emits arrays of `bufferSize` events; a new one begins with every
 * `startBufferEvery`th event (default: where the last one ended). Outside of a mill it is RxJS's own.
 *
 * In a pipeline both must be whole numbers of at least 1. For counts by key, or aggregates, see `countWindow`.
 *
 * @throws MillraceError `INVALID_OPTION`, as an error of the stream, for other numbers in a pipeline
 * @example
 * readings.pipe(bufferCount(10, 1), map((last) => ({ ts: last.at(-1).ts, mean: meanOf(last) }))); // a moving average
 */
export function bufferCount<T>(bufferSize: number, startBufferEvery: number | null = null): OperatorFunction<T, T[]> {
  const every = startBufferEvery ?? bufferSize;
  return stateful<T, T[]>({
    name: 'bufferCount',
    shape: { size: bufferSize, every },
    plain: plainBufferCount(bufferSize, startBufferEvery),
    open: (home, rows) => {
      for (const [name, value] of Object.entries({ bufferSize, startBufferEvery: every }))
        if (!Number.isSafeInteger(value) || value < 1)
          throw new MillraceError(
            'INVALID_OPTION',
            `${name} of bufferCount must be a whole number of at least 1, not ${value}.`,
          );
      const buffers = new Buffers<T>(home, rows, bufferSize, every);
      return { next: (event) => buffers.next(event), complete: () => buffers.complete() };
    },
  });
}

/** The buffers that are not full, the oldest first. Each event is kept once, by its number, as long as a buffer needs it. */
class Buffers<T> {
  private readonly events: KeyedState<number, T, unknown[]>;
  private readonly count: Cell<number>;
  /** What follows from the state. */
  private readonly open: { readonly start: number; readonly events: T[] }[] = [];

  constructor(
    home: OperatorHome,
    private readonly rows: Subscriber<T[]>,
    private readonly size: number,
    private readonly every: number,
  ) {
    this.events = home.keyed('events', jsonCodec<T>());
    this.count = new Cells(home).cell('count');
    home.whenLoaded(() => this.load());
  }

  private load(): void {
    const { size, every } = this;
    const count = this.count.get() ?? 0;
    const oldest = Math.max(0, Math.floor((count - size) / every) * every + every);
    for (let start = oldest; start < count; start += every) {
      // It has completed.
      if (!this.events.has(start)) return;
      const numbers = Array.from({ length: count - start }, (_, at) => start + at);
      this.open.push({ start, events: numbers.map((number) => this.events.get(number)!) });
    }
  }

  next(event: T): void {
    const { open, size, every } = this;
    const number = this.count.get() ?? 0;
    this.count.set(number + 1);
    if (number % every === 0) open.push({ start: number, events: [] });
    if (open.length === 0) return;
    this.events.set(number, event);
    for (const buffer of open) buffer.events.push(event);
    if (open[0]!.events.length < size) return;
    const full = open.shift()!;
    this.forget(full.start, Math.min(full.start + every, number + 1));
    this.rows.next(full.events);
  }

  /** What remains is given once: after a restart a source that has completed completes again. */
  complete(): void {
    const open = this.open.splice(0);
    this.forget(open[0]?.start ?? 0, open.length === 0 ? 0 : (this.count.get() ?? 0));
    for (const { events } of open) this.rows.next(events);
    this.rows.complete();
  }

  private forget(from: number, to: number): void {
    for (let number = from; number < to; number++) this.events.delete(number);
  }
}

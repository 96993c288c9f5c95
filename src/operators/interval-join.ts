import type { ObservableInput, OperatorFunction, Subscriber } from 'rxjs';
import { type Duration, millisecondsOf } from './duration.js';
import { JoinClock, LEFT, RIGHT, type Side } from './joins/join-clock.js';
import { KeptEvents } from './joins/kept-events.js';
import {
  type JoinDisorder,
  type JoinKey,
  type JoinTime,
  type ResolvedSides,
  resolveSides,
  type Select,
  selectOf,
} from './joins/options.js';
import { leftReader, rightReader, type SideReader } from './joins/sides.js';
import type { KeptEvent } from './joins/timeline.js';
import type { OperatorHome } from './pipeline-scope.js';
import { invalidOption } from './stateful/key-options.js';
import { branchOf, type InputBranch, subscribeFirst } from './stateful/side-input.js';
import { stateful, tooEarly } from './stateful/stateful.js';
import { TimeHeap } from './windows/time-heap.js';

export type IntervalJoinOptions<T, U, R = [T, U]> = JoinKey<T, U> &
  JoinTime<T, U> &
  JoinDisorder & {
    /** How much earlier than the left event a right event may be. Default 0; below 0 it must be so much later. */
    readonly before?: Duration;
    /** How much later than the left event a right event may be. Default 0; below 0 it must be so much earlier. */
    readonly after?: Duration;
    /** Makes the row. Default: both as a pair. */
    readonly select?: (left: T, right: U) => R;
  };

interface Resolved extends ResolvedSides {
  /** Milliseconds. */
  readonly before: number;
  readonly after: number;
  readonly select: Select;
}

const NAME = 'intervalJoin';

/**
 * Joins each event with every event of the right side that has the same key and whose time is from `before` earlier to `after`
 * later, in event time; both ends count. Whichever comes second gives the row, at once. The rows that one event gives come by the time of
 * the others, then in order of their arrival.
 *
 * An event is kept as long as one that is not late could be joined with it: until the watermark, the lesser one of the latest times of both
 * sides less `lateness`, is `after` (left events) or `before` (right events) past it. A side that falls back by more than `maxLag` does not
 * hold the watermark back, so that at most the events of the last `after` or `before` and `maxLag` and `lateness` of event time are kept; where one
 * side comes as a whole before the other, as with two arrays, `maxLag` must cover all of it. An event that comes when the watermark has passed it is late: it is
 * joined with what is still kept, and counted in the mill's metrics as `lateLeft` or `lateRight`.
 *
 * The rows complete when there can be no more.
 *
 * @throws MillraceError `INVALID_OPTION` at once for options that do not fit, without `time` outside of a mill as an error of the stream; as
 * such also `INVALID_ARGUMENT` for an event without a finite time or a key, and what `select` throws
 * @example
 * payments.pipe(
 *   intervalJoin(logins, {
 *     by: 'account',
 *     before: '10m', // logins of the last ten minutes
 *     select: (payment, login) => ({ ...payment, country: login.country }),
 *   }),
 *   filter(({ country, shop }) => country !== shop),
 * );
 */
export function intervalJoin<T, U, R = [T, U]>(
  right: ObservableInput<U>,
  options: IntervalJoinOptions<NoInfer<T>, NoInfer<U>, R>,
): OperatorFunction<T, R> {
  const resolved = resolve(options as IntervalJoinOptions<never, never, unknown>);
  const { select: _, ...shape } = resolved;
  return stateful<T, R>({
    name: NAME,
    shape,
    open: (home, rows) => {
      const branch = branchOf(home);
      const joining = new IntervalJoining(home, rows as Subscriber<unknown>, resolved, branch);
      subscribeFirst(branch, right, rows as Subscriber<never>, {
        next: (event) => joining.take(RIGHT, event),
        complete: () => joining.complete(RIGHT),
      });
      return { next: (event) => joining.take(LEFT, event), complete: () => joining.complete(LEFT) };
    },
  });
}

/** @throws MillraceError `INVALID_OPTION` */
function resolve(options: IntervalJoinOptions<never, never, unknown>): Resolved {
  const sides = resolveSides(NAME, options, "{ by: 'account', before: '10m' }");
  if (options.before === undefined && options.after === undefined)
    throw invalidOption(
      `Option before or after of ${NAME} must say how far apart two events may be: { before: '10m' }.`,
    );
  const before = millisecondsOf('before', options.before ?? 0, { min: -Infinity });
  const after = millisecondsOf('after', options.after ?? 0, { min: -Infinity });
  if (before + after < 0)
    throw invalidOption(
      `Options before and after of ${NAME} leave no time between them: ${before} ms and ${after} ms.`,
    );
  return { ...sides, before, after, select: selectOf(NAME, options.select) };
}

class IntervalJoining {
  private readonly clock: JoinClock;
  private readonly kept: readonly [KeptEvents, KeptEvents];
  /** By their times. */
  private readonly going = [new TimeHeap<KeptEvent>(), new TimeHeap<KeptEvent>()] as const;
  /** For how long after its time an event of a side is kept. */
  private readonly reach: readonly [number, number];
  private readers: readonly [SideReader, SideReader] | null = null;

  constructor(
    private readonly home: OperatorHome,
    private readonly rows: Subscriber<unknown>,
    private readonly of: Resolved,
    private readonly branch: InputBranch,
  ) {
    this.clock = new JoinClock(home, of.lateness, of.maxLag);
    this.kept = [new KeptEvents(home, 'left'), new KeptEvents(home, 'right')];
    this.reach = [of.after, of.before];
    home.whenLoaded(() => this.load());
  }

  private load(): void {
    const { home, of, branch, clock, kept, going } = this;
    const readers = [leftReader(NAME, of, home), rightReader(NAME, of, home, branch)] as const;
    clock.load();
    for (const side of [LEFT, RIGHT] as const)
      for (const event of kept[side].load(readers[side])) going[side].push(event.time, event.number, event);
    this.readers = readers;
    this.goOn();
  }

  take(side: Side, event: unknown): void {
    if (this.readers === null) throw tooEarly(NAME);
    const { clock, rows, of } = this;
    const { keyOf, timeOf } = this.readers[side];
    const time = timeOf(event);
    const key = keyOf(event);
    clock.see(side, time);
    const others = this.othersOf(side, key, time);
    const kept = this.kept[side].add(event, key, time, clock.takeNumber());
    this.going[side].push(time, kept.number, kept);
    this.forget();
    for (const other of others) {
      if (rows.closed) return;
      rows.next(side === LEFT ? of.select(event, other) : of.select(other, event));
    }
    this.completeWhereOver();
  }

  complete(side: Side): void {
    this.clock.end(side);
    if (this.readers !== null) this.goOn();
  }

  private goOn(): void {
    this.forget();
    this.completeWhereOver();
  }

  /** What an event is joined with. */
  private othersOf(side: Side, key: KeptEvent['key'], time: number): unknown[] {
    const { kept, reach } = this;
    const other = side === LEFT ? RIGHT : LEFT;
    const timeline = kept[other].of(key);
    if (timeline === undefined) return [];
    const events: unknown[] = [];
    const end = timeline.upTo(time + reach[side]);
    for (let place = timeline.before(time - reach[other]); place < end; place++) events.push(timeline.at(place).event);
    return events;
  }

  private forget(): void {
    const { clock, kept, going, reach } = this;
    for (const side of [LEFT, RIGHT] as const)
      while (going[side].time + reach[side] < clock.watermark && going[side].size > 0)
        kept[side].remove(going[side].pop().item);
  }

  /** Whether there can be no more rows. */
  private completeWhereOver(): void {
    const isDone = (side: Side) => this.clock.hasEnded(side) && this.kept[side].size === 0;
    if (isDone(LEFT) || isDone(RIGHT)) this.rows.complete();
  }
}

import type { ObservableInput, OperatorFunction, Subscriber } from 'rxjs';
import { type Duration, millisecondsOf } from './duration.js';
import { JoinClock, LEFT, RIGHT, type Side } from './joins/join-clock.js';
import { KeptEvents } from './joins/kept-events.js';
import { LatestRows } from './joins/latest-rows.js';
import {
  type JoinDisorder,
  type JoinKey,
  type JoinKind,
  type JoinTime,
  joinKind,
  type Match,
  type ResolvedSides,
  resolveSides,
  type Select,
  selectOf,
} from './joins/options.js';
import { leftReader, rightReader, type SideReader } from './joins/sides.js';
import type { KeptEvent } from './joins/timeline.js';
import type { OperatorHome } from './pipeline-scope.js';
import { branchOf, type InputBranch, subscribeFirst } from './stateful/side-input.js';
import { stateful, tooEarly } from './stateful/stateful.js';
import { TimeHeap } from './windows/time-heap.js';

export type AsOfJoinOptions<T, U, J extends JoinKind = 'left', R = [T, Match<U, J>]> = JoinKey<T, U> &
  JoinTime<T, U> &
  JoinDisorder & {
    /** How much older than the left event a right event may be. Default: any age. */
    readonly tolerance?: Duration;
    /** Whether a left event without a match gives a row, with `undefined`. Default `left`: it does. */
    readonly join?: J;
    /** Makes the row. Default: both as a pair. */
    readonly select?: (left: T, right: Match<U, J>) => R;
  };

interface Resolved extends ResolvedSides {
  /** Milliseconds; `null` for any age. */
  readonly tolerance: number | null;
  readonly join: JoinKind;
  readonly select: Select;
}

const NAME = 'asOfJoin';

/**
 * Joins each event with the latest event of the right side that has the same key and is not after it, in event time: a trade with the
 * quote of its moment. Of right events with equal times the one that came last counts.
 *
 * Without `lateness` a left event gives its row at once, with what has come; in a pipeline the right events of the same turn have. With
 * `lateness` it waits until the watermark has passed it, so that right events that come out of order are taken too; rows come by the time of
 * the left event, then in order of arrival. The watermark is the lesser one of the latest times of both sides, less `lateness`. A side that
 * falls back by more than `maxLag` does not hold it back: where the right side changes seldom, set `maxLag` low.
 *
 * Left events wait for at most `maxLag` and `lateness` of event time. Of the right side each key keeps its events after the watermark and the
 * last one before it: for `tolerance`, without it for ever. An event that comes when the watermark has passed it is joined with what is still
 * kept, or counts from then on, and is counted in the mill's metrics as `lateLeft` or `lateRight`.
 *
 * The rows complete when the left side has, and nothing waits.
 *
 * @throws MillraceError `INVALID_OPTION` at once for options that do not fit, without `time` outside of a mill as an error of the stream; as
 * such also `INVALID_ARGUMENT` for an event without a finite time or a key, and what `select` throws
 * @example
 * trades.pipe(
 *   asOfJoin(quotes, {
 *     by: 'symbol',
 *     tolerance: '10s',
 *     select: (trade, quote) => ({ ...trade, spread: quote ? quote.ask - quote.bid : null }),
 *   }),
 * );
 */
export function asOfJoin<T, U, J extends JoinKind = 'left', R = [T, Match<U, J>]>(
  right: ObservableInput<U>,
  options: AsOfJoinOptions<NoInfer<T>, NoInfer<U>, J, R>,
): OperatorFunction<T, R> {
  const resolved = resolve(options as AsOfJoinOptions<never, never, JoinKind, unknown>);
  const { select: _, ...shape } = resolved;
  return stateful<T, R>({
    name: NAME,
    shape,
    open: (home, rows) => {
      const branch = branchOf(home);
      const joining = new AsOfJoining(home, rows as Subscriber<unknown>, resolved, branch);
      subscribeFirst(branch, right, rows as Subscriber<never>, {
        next: (event) => joining.takeRight(event),
        complete: () => joining.complete(RIGHT),
      });
      return { next: (event) => joining.takeLeft(event), complete: () => joining.complete(LEFT) };
    },
  });
}

/** @throws MillraceError `INVALID_OPTION` */
function resolve(options: AsOfJoinOptions<never, never, JoinKind, unknown>): Resolved {
  const sides = resolveSides(NAME, options, "{ by: 'symbol', tolerance: '10s' }");
  const { tolerance, join, select } = options;
  return {
    ...sides,
    tolerance: tolerance === undefined ? null : millisecondsOf('tolerance', tolerance, { min: 0 }),
    join: joinKind(NAME, join),
    select: selectOf(NAME, select),
  };
}

class AsOfJoining {
  private readonly clock: JoinClock;
  private readonly rights: LatestRows;
  /** Left events until the watermark has passed them. */
  private readonly waiting: KeptEvents;
  private readonly inOrder = new TimeHeap<KeptEvent>();
  private readers: readonly [SideReader, SideReader] | null = null;

  constructor(
    private readonly home: OperatorHome,
    private readonly rows: Subscriber<unknown>,
    private readonly of: Resolved,
    private readonly branch: InputBranch,
  ) {
    this.clock = new JoinClock(home, of.lateness, of.maxLag);
    this.rights = new LatestRows(home, of.tolerance ?? Infinity);
    this.waiting = new KeptEvents(home, 'waiting');
    home.whenLoaded(() => this.load());
  }

  private load(): void {
    const { home, of, branch, clock, waiting, inOrder } = this;
    const readers = [leftReader(NAME, of, home), rightReader(NAME, of, home, branch)] as const;
    clock.load();
    this.rights.load(readers[RIGHT], clock.watermark);
    for (const kept of waiting.load(readers[LEFT])) inOrder.push(kept.time, kept.number, kept);
    this.readers = readers;
    this.goOn();
  }

  takeRight(event: unknown): void {
    if (this.readers === null) throw tooEarly(NAME);
    const { keyOf, timeOf } = this.readers[RIGHT];
    const time = timeOf(event);
    const key = keyOf(event);
    this.clock.see(RIGHT, time);
    this.rights.add(event, key, time, this.clock.takeNumber());
    this.goOn();
  }

  takeLeft(event: unknown): void {
    if (this.readers === null) throw tooEarly(NAME);
    const { keyOf, timeOf } = this.readers[LEFT];
    const time = timeOf(event);
    const key = keyOf(event);
    this.clock.see(LEFT, time);
    if (this.of.lateness === 0) {
      const right = this.rights.find(key, time);
      this.goOn();
      this.emit(event, right);
    } else {
      const kept = this.waiting.add(event, key, time, this.clock.takeNumber());
      this.inOrder.push(time, kept.number, kept);
      this.goOn();
    }
  }

  complete(side: Side): void {
    this.clock.end(side);
    if (this.readers !== null) this.goOn();
  }

  /** The watermark may have risen: what it has passed is joined, and gives its rows once the state is as it will be. */
  private goOn(): void {
    const { clock, rights, waiting, inOrder } = this;
    const { watermark } = clock;
    const pairs: (readonly [left: unknown, right: unknown])[] = [];
    while (inOrder.time < watermark) {
      const { item } = inOrder.pop();
      pairs.push([item.event, rights.find(item.key, item.time)]);
      waiting.remove(item);
    }
    rights.forget(watermark);
    for (const [left, right] of pairs) this.emit(left, right);
    if (clock.hasEnded(LEFT) && waiting.size === 0) this.rows.complete();
  }

  private emit(left: unknown, right: unknown): void {
    const { rows, of } = this;
    if (rows.closed || (right === undefined && of.join === 'inner')) return;
    rows.next(of.select(left, right));
  }
}

import { Observable, type OperatorFunction, Subscriber } from 'rxjs';
import { MillraceError } from '../errors.js';
import type { AggregateOf } from './aggregates/aggregate.js';
import { currentScope, type OperatorHome, openOperator } from './pipeline-scope.js';
import { described } from './row-description.js';
import { type Counter, Counters } from './stateful/counters.js';
import { tooEarly } from './stateful/stateful.js';
import { accumulateOf } from './windows/accumulate.js';
import { AlignedWindows } from './windows/aligned-windows.js';
import { rowsOf } from './windows/describe-rows.js';
import { eventReader } from './windows/event-reader.js';
import { InputTimes } from './windows/input-times.js';
import { type Layout, layoutFor } from './windows/layout.js';
import { MemoryStates } from './windows/memory-states.js';
import { type Resolved, resolveWindowed, type WindowedOptions } from './windows/options.js';
import { RunWindows } from './windows/run-windows.js';
import { SavedWindows } from './windows/saved-windows.js';
import { SessionWindows } from './windows/session-windows.js';
import { shapeOf } from './windows/shape.js';
import { Watermark } from './windows/watermark.js';
import type { Window, WindowKind } from './windows/window.js';
import { rowMaker, type WindowRow } from './windows/window-row.js';
import { Windowing, type WindowingParts, type Windows } from './windows/windowing.js';

const NAME = 'windowed';

/**
 * Computes aggregates over windows of event time, for each key, and emits a flat row for each window: the key columns, `start`, `end`,
 * `firstTime`, `lastTime`, `count`, the aggregates under their names, `revision`, `final`. A window without events has no row.
 *
 * A window ends when the watermark, the latest time seen over all keys less `lateness`, reaches its end. What comes later for it is
 * late: see `late`. Windows that one event ends come out before the event is taken, by end, then start, then in the order of the
 * arrival of their first events. Events with equal times go in order of arrival. When the source completes, the open windows are
 * emitted as final; when it errors, they are not.
 *
 * State is kept for each open window and goes with the subscription. Events that arrive while rows are emitted (a subscriber that
 * appends to the source) are taken afterwards.
 *
 * @throws MillraceError `INVALID_OPTION` at once for options that do not fit, without `time` as an error of the stream; as such
 * also `INVALID_ARGUMENT` for an event without a finite time or a key, or with a value that an aggregate cannot take, and what a function of the options throws
 * @example
 * readings$.pipe(
 *   windowed(tumbling('1m'), {
 *     by: 'device',
 *     time: 'ts',
 *     lateness: '10s',
 *     aggregate: { mean: avg('temperature'), peak: max('temperature'), p99: quantile('latency', 0.99) },
 *   }),
 * ); // { device: 'a7', start: 60_000, end: 120_000, firstTime: …, lastTime: …, count: 6, mean: 21.5, peak: 23, p99: …, revision: 0, final: true }
 */
export function windowed<
  T,
  By extends keyof T & string = never,
  A extends Readonly<Record<string, AggregateOf<T>>> = Record<never, never>,
>(window: Window<NoInfer<T>>, options: WindowedOptions<NoInfer<T>, By, A>): OperatorFunction<T, WindowRow<T, By, A>> {
  const resolved = resolveWindowed(window, options as unknown as WindowedOptions<never, never, unknown>);
  const description = rowsOf(resolved);
  return (source) => {
    const rows = new Observable<WindowRow<T, By, A>>((subscriber) => {
      new WindowedSubscriber<T>(subscriber as Subscriber<unknown>, resolved).readFrom(source);
    });
    return described(rows, description);
  };
}

class WindowedSubscriber<T> extends Subscriber<T> {
  private readonly saved: SavedWindows | null;
  /** There from when the state is as it was saved. */
  private windows: Windows | null = null;
  private readonly home: OperatorHome;
  private readonly inputs: InputTimes | null;
  private watermark: Watermark;
  private readonly toSide: WindowingParts['toSide'];
  private readonly late: Counter;
  /** Whether it may need ticks. */
  private needsTicks = false;
  /** What arrives while another event is taken. */
  private readonly waiting: T[] = [];
  private isTaking = false;
  private isSourceComplete = false;

  constructor(
    private readonly rows: Subscriber<unknown>,
    private readonly of: Resolved,
  ) {
    super(rows);
    const layout = layoutFor(of.aggregates, of.window.kind);
    const home = openOperator(NAME, shapeOf(of));
    this.home = home;
    const isSaved = currentScope() !== null;
    const saved = isSaved ? new SavedWindows(home, layout) : null;
    this.saved = saved;
    if (saved !== null) home.beforeSave?.(() => this.windows && saved.settle(this.watermark));
    this.inputs = isSaved ? new InputTimes(home, of.idleAfter) : null;
    this.watermark = new Watermark(of.lateness);
    this.toSide = of.hasSide ? sideOf(home, of) : null;
    this.late = new Counters(home).counter('late');
    home.whenLoaded(() => this.begin(layout));
  }

  /** Its source is known to the mill then: with several inputs, and where the clock may end windows, it takes ticks. */
  readFrom(source: Observable<T>): void {
    const { home, of } = this;
    home.readFrom(() => source.subscribe(this));
    this.needsTicks = of.maxDelay < Infinity || (home.inputs > 1 && of.idleAfter < Infinity);
    if (this.needsTicks) home.onTick?.((now) => this.tick(now));
  }

  private begin(layout: Layout): void {
    const { saved, inputs, rows, home, of, toSide, late } = this;
    const { window, by } = of;
    const reader = eventReader(of.time, by, home);
    if (home.inputs > 1) {
      inputs?.load();
      this.watermark = new Watermark(of.lateness, inputs);
    }
    const { watermark } = this;
    saved?.load(watermark);
    const states = saved?.states ?? new MemoryStates(layout);
    const windowing = new Windowing({
      ...of,
      layout,
      states,
      watermark,
      reader,
      accumulate: accumulateOf(layout),
      makeRow: rowMaker(by, layout),
      emit: (row) => rows.next(row),
      toSide,
      late,
      isStopped: () => rows.closed,
    });
    this.windows = windowsOf(window.kind, windowing, saved);
    if (this.needsTicks) this.wantTick(this.windows);
    if (this.isSourceComplete) this.finish(this.windows);
  }

  protected override _next(event: T): void {
    if (this.isTaking) {
      this.waiting.push(event);
      return;
    }
    try {
      this.take(event);
    } catch (error) {
      this.rows.error(error);
    }
  }

  protected override _complete(): void {
    this.isSourceComplete = true;
    if (this.isTaking || this.windows === null) return;
    try {
      this.finish(this.windows);
    } catch (error) {
      this.rows.error(error);
    }
  }

  private take(event: T): void {
    const { windows, waiting } = this;
    if (windows === null) throw tooEarly(NAME);
    this.isTaking = true;
    windows.next(event);
    while (waiting.length > 0 && !this.closed) windows.next(waiting.shift());
    this.taken(windows);
  }

  private taken(windows: Windows): void {
    this.isTaking = false;
    if (this.isSourceComplete) this.finish(windows);
    else if (this.needsTicks) this.wantTick(windows);
  }

  /** What waits for events that are not to come any more ends. */
  private tick(now: number): void {
    const { windows, watermark, of } = this;
    if (windows === null || this.closed) return;
    this.isTaking = true;
    try {
      watermark.inputs?.tick(now);
      if (watermark.passed(now - of.maxDelay)) windows.passed();
    } catch (error) {
      this.rows.error(error);
    }
    this.taken(windows);
  }

  private wantTick({ nextEnd }: Windows): void {
    const { inputs, latest, lateness } = this.watermark;
    const isOpen = nextEnd < Infinity;
    const byInputs = isOpen && inputs !== null ? inputs.tickWanted(nextEnd, latest, lateness) : Infinity;
    this.home.wantTick?.(Math.min(nextEnd + this.of.maxDelay, byInputs));
  }

  private finish(windows: Windows): void {
    this.isTaking = true;
    try {
      windows.complete();
      this.saved?.clear();
      this.home.wantTick?.(Infinity);
      this.rows.complete();
    } finally {
      this.unsubscribe();
    }
  }
}

/** @throws MillraceError `INVALID_OPTION` where nobody would take the late events */
function sideOf(home: OperatorHome, { onLate }: Resolved): WindowingParts['toSide'] {
  if (home.sideOfLate !== undefined) return home.sideOfLate();
  if (onLate !== undefined) return null;
  const message = "Option late: 'side' of windowed needs onLate outside of a mill: there is no side stream.";
  throw new MillraceError('INVALID_OPTION', message);
}

function windowsOf(kind: WindowKind<never>, windowing: Windowing, saved: SavedWindows | null): Windows {
  if (kind.type === 'aligned') return new AlignedWindows(windowing, kind.intervals);
  if (kind.type === 'session') return new SessionWindows(windowing, kind.gap);
  return new RunWindows(windowing, kind, saved?.waiting ?? null);
}

import { Observable, type OperatorFunction, Subscriber } from 'rxjs';
import { MillraceError } from '../errors.js';
import type { AggregateOf } from './aggregates/aggregate.js';
import { accumulateOf } from './windows/accumulate.js';
import { AlignedWindows } from './windows/aligned-windows.js';
import { eventReader } from './windows/event-reader.js';
import { layoutOf } from './windows/layout.js';
import { type Resolved, resolveWindowed, type WindowedOptions } from './windows/options.js';
import { RunWindows } from './windows/run-windows.js';
import { SessionWindows } from './windows/session-windows.js';
import { Watermark } from './windows/watermark.js';
import type { Window, WindowKind } from './windows/window.js';
import { rowMaker, type WindowRow } from './windows/window-row.js';
import { openState } from './windows/window-states.js';
import { Windowing, type Windows } from './windows/windowing.js';

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
  return (source) =>
    new Observable((subscriber) => {
      source.subscribe(new WindowedSubscriber<T>(subscriber as Subscriber<unknown>, resolved));
    });
}

class WindowedSubscriber<T> extends Subscriber<T> {
  private readonly windows: Windows;
  /** What arrives while another event is taken. */
  private readonly waiting: T[] = [];
  private isTaking = false;
  private isSourceComplete = false;

  constructor(
    private readonly rows: Subscriber<unknown>,
    resolved: Resolved,
  ) {
    super(rows);
    this.windows = openWindows(resolved, rows);
  }

  protected override _next(event: T): void {
    if (this.isTaking) {
      this.waiting.push(event);
      return;
    }
    this.isTaking = true;
    try {
      this.windows.next(event);
      while (this.waiting.length > 0 && !this.closed) this.windows.next(this.waiting.shift());
      this.isTaking = false;
      if (this.isSourceComplete) this.finish();
    } catch (error) {
      this.rows.error(error);
    }
  }

  protected override _complete(): void {
    this.isSourceComplete = true;
    if (!this.isTaking) this.finish();
  }

  private finish(): void {
    this.isTaking = true;
    try {
      this.windows.complete();
      this.rows.complete();
    } catch (error) {
      this.rows.error(error);
    } finally {
      this.unsubscribe();
    }
  }
}

function openWindows(resolved: Resolved, rows: Subscriber<unknown>): Windows {
  const { window, by, time, aggregates, lateness, correctFor, emitsUpdates, onLate } = resolved;
  const layout = layoutOf(aggregates);
  const ofState = window.kind.type === 'state' ? 1 : 0;
  const windowing = new Windowing({
    layout,
    states: openState('windowed', { numbers: layout.numbers, objects: layout.objects + ofState }),
    watermark: new Watermark(lateness),
    reader: eventReader(timeColumn(time), by),
    accumulate: accumulateOf(layout),
    makeRow: rowMaker(by, layout),
    correctFor,
    emitsUpdates,
    emit: (row) => rows.next(row),
    onLate,
    isStopped: () => rows.closed,
  });
  return windowsOf(window.kind, windowing, layout.objects);
}

/** In a mill it is the timestamp column of the schema, and that is known only here: a pipeline is made before it is part of a mill. */
function timeColumn(time: string | undefined): string {
  if (time !== undefined) return time;
  const message =
    'Option time of windowed must name the column with the event time: outside of a mill there is no schema that says it.';
  throw new MillraceError('INVALID_OPTION', message);
}

function windowsOf(kind: WindowKind<never>, windowing: Windowing, stateObject: number): Windows {
  if (kind.type === 'aligned') return new AlignedWindows(windowing, kind.intervals);
  if (kind.type === 'session') return new SessionWindows(windowing, kind.gap);
  return new RunWindows(windowing, kind, stateObject);
}

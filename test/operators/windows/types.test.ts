/** The types that users see. Checked by the compiler (`npm run types`): the tests here only say that it was done. */
import { filter, from, map, type Observable, type OperatorFunction } from 'rxjs';
import {
  avg,
  count,
  countDistinct,
  countWindow,
  eventWindow,
  first,
  hopping,
  last,
  max,
  min,
  quantile,
  rate,
  reducer,
  session,
  stateWindow,
  stddev,
  sum,
  timeWeightedAvg,
  tumbling,
  type WindowRow,
  windowed,
} from '../../../src/index.js';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const holds = <_Truth extends true>(): void => {};

interface Reading {
  readonly ts: number;
  readonly device: string;
  readonly slot: number;
  readonly temperature: number;
  readonly total: bigint;
  readonly at: Date;
  readonly note?: string | undefined;
  readonly level: number | null;
  readonly state: 'on' | 'off';
  readonly any: unknown;
}

const readings = from<Reading[]>([]);
const typeOf = <T>(_source: Observable<T>): { readonly type?: T } => ({});

describe('the row type', () => {
  it('has the key columns, the window and the results of the aggregates', () => {
    const { type } = typeOf(
      readings.pipe(
        filter(({ temperature }) => temperature > -40),
        windowed(tumbling('1m'), {
          by: ['device', 'slot'],
          time: 'ts',
          aggregate: {
            n: count(),
            notes: count('note'),
            mean: avg('temperature'),
            sum: sum('total'),
            low: min('note'),
            high: max('at'),
            first: first('state'),
            last: last('level'),
            spread: stddev('level'),
            p99: quantile('temperature', 0.99),
            different: countDistinct('note'),
            weighted: timeWeightedAvg('temperature'),
            rate: rate('total'),
            own: reducer({ init: () => '', add: (text, { note }: Reading) => text + note, result: (text) => [text] }),
          },
        }),
      ),
    );
    holds<
      Equal<
        Exclude<typeof type, undefined>,
        {
          readonly device: string;
          readonly slot: number;
          start: number;
          end: number;
          firstTime: number;
          lastTime: number;
          count: number;
          n: number;
          notes: number;
          mean: number | null;
          sum: number | null;
          low: string | null;
          high: Date | null;
          first: 'on' | 'off' | null;
          last: number | null;
          spread: number | null;
          p99: number | null;
          different: number;
          weighted: number | null;
          rate: number | null;
          own: string[];
          revision: number;
          final: boolean;
        }
      >
    >();
  });

  it('has no key where none is named, and goes on through a pipe', () => {
    const { type } = typeOf(
      readings.pipe(
        windowed(hopping('5m', '1m'), { time: 'ts', aggregate: { n: count() } }),
        map(({ n, start }) => [n, start] as const),
        map(([n]) => n),
      ),
    );
    holds<Equal<Exclude<typeof type, undefined>, number>>();
    // @ts-expect-error -- there is no key
    readings.pipe(windowed(session(5), { time: 'ts', aggregate: {} })).pipe(map(({ device }) => device));
  });

  it('can be named', () => {
    const operator: OperatorFunction<
      Reading,
      WindowRow<Reading, 'device', { readonly n: ReturnType<typeof count> }>
    > = windowed(tumbling('1m'), { by: 'device', time: 'ts', aggregate: { n: count() } });
    expect(operator).toBeInstanceOf(Function);
  });
});

describe('what is passed in', () => {
  it('is an event in each function', () => {
    readings.pipe(
      windowed(
        stateWindow((reading) => reading.state satisfies 'on' | 'off'),
        {
          by: 'device',
          time: 'ts',
          aggregate: {
            k: reducer({ init: () => 0, add: (sum, reading: Reading) => sum + reading.slot, result: (sum) => sum }),
          },
          onLate: (reading, late) => [reading.device satisfies string, late satisfies number],
        },
      ),
    );
    readings.pipe(
      windowed(
        eventWindow(
          (reading) => reading.temperature > 90,
          (reading) => reading.temperature < 80,
        ),
        { time: 'ts', aggregate: {} },
      ),
    );
  });

  it('has to fit the events', () => {
    // @ts-expect-error -- no such key column
    readings.pipe(windowed(tumbling('1m'), { by: 'devise', time: 'ts', aggregate: {} }));
    // @ts-expect-error -- no such time column
    readings.pipe(windowed(tumbling('1m'), { time: 'tz', aggregate: {} }));
    // @ts-expect-error -- no such column
    readings.pipe(windowed(tumbling('1m'), { time: 'ts', aggregate: { mean: avg('temprature') } }));
    // @ts-expect-error -- no numbers
    readings.pipe(windowed(tumbling('1m'), { time: 'ts', aggregate: { mean: avg('state') } }));
    // @ts-expect-error -- nothing that has an order
    readings.pipe(windowed(tumbling('1m'), { time: 'ts', aggregate: { top: max('any') } }));
    // @ts-expect-error -- an unknown option
    readings.pipe(windowed(tumbling('1m'), { time: 'ts', aggregate: {}, latenes: 5 }));
    const ofOthers = reducer({ init: () => 0, add: (sum, { size }: { size: number }) => sum + size, result: (s) => s });
    // @ts-expect-error -- events of another type
    readings.pipe(windowed(tumbling('1m'), { time: 'ts', aggregate: { ofOthers } }));
    const ofOtherEvents = stateWindow(({ size }: { size: number }) => size);
    // @ts-expect-error -- a window of events of another type
    readings.pipe(windowed(ofOtherEvents, { time: 'ts', aggregate: {} }));
    expect(countWindow(3)).toBeDefined();
  });
});

/**
 * The types that users see. Checked by the compiler (`npm run types`): the tests here only say that it was done, and
 * that the types are those of what really comes out.
 */
import type { Writable } from 'node:stream';
import type { Observable, OperatorFunction } from 'rxjs';
import {
  type Appended,
  type AppendedMany,
  bool,
  bytes,
  type ColumnsInput,
  type DurableStream,
  float32,
  float64,
  type InputOf,
  int32,
  int64,
  json,
  key,
  type Millrace,
  type Reading,
  type Recorded,
  type RowOf,
  string,
  tag,
  timestamp,
} from '../../src/index.js';
import { startedMill, take } from '../support/stream-mills.js';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const holds = <_Truth extends true>(): void => {};

const everything = {
  ts: timestamp(),
  device: key(string()),
  slot: key(int32()),
  place: tag(string()),
  floor: tag(int32()).optional(),
  text: string(),
  flag: bool(),
  small: int32(),
  large: int64(),
  single: float32(),
  double: float64().optional(),
  any: json(),
  shape: json<{ readonly a: number }>(),
  note: json<string>().optional(),
  raw: bytes(),
  later: timestamp().optional(),
};

interface EverythingRow {
  ts: number;
  device: string;
  slot: number;
  place: string;
  floor?: number | undefined;
  text: string;
  flag: boolean;
  small: number;
  large: bigint;
  single: number;
  double?: number | undefined;
  any: unknown;
  shape: { readonly a: number };
  note?: string | undefined;
  raw: Uint8Array;
  later?: number | undefined;
}

interface EverythingInput {
  readonly ts: number | Date;
  readonly device: string;
  readonly slot: number;
  readonly place: string;
  readonly floor?: number | null | undefined;
  readonly text: string;
  readonly flag: boolean;
  readonly small: number;
  readonly large: bigint;
  readonly single: number;
  readonly double?: number | null | undefined;
  readonly any: unknown;
  readonly shape: { readonly a: number };
  readonly note?: string | null | undefined;
  readonly raw: Uint8Array;
  readonly later?: number | Date | null | undefined;
}

type Flat<T> = { [K in keyof T]: T[K] };
type Row = RowOf<typeof everything>;
type Input = InputOf<typeof everything>;

describe('the types', () => {
  it('of rows and inputs are inferred from the schema', () => {
    holds<Equal<Row, Flat<EverythingRow>>>();
    holds<Equal<Input, Flat<EverythingInput>>>();
  });

  it('of a stream are those of its rows and inputs', () => {
    const check = async (mill: Millrace): Promise<void> => {
      const stream = mill.stream('s', { schema: everything });
      holds<Equal<typeof stream, DurableStream<Row, Input>>>();
      holds<Equal<Parameters<typeof stream.append>[0], Input>>();
      holds<Equal<ReturnType<typeof stream.append>, Promise<Appended>>>();
      holds<Equal<ReturnType<typeof stream.appendMany>, Promise<AppendedMany>>>();
      holds<Equal<Parameters<typeof stream.appendColumns>[0], ColumnsInput<Input>>>();
      holds<Equal<ReturnType<typeof stream.write>, OperatorFunction<Input, Row>>>();
      holds<Equal<ReturnType<typeof stream.writable>, Writable>>();
      const live: Observable<Row> = stream;
      const earliest = stream.from('earliest');
      holds<Equal<typeof earliest, Reading<Row>>>();
      const records = stream.records('earliest');
      holds<Equal<typeof records, Reading<Row, Recorded<Row>>>>();
      for await (const row of stream) holds<Equal<typeof row, Row>>();
      for await (const { event } of records) holds<Equal<typeof event, Row>>();
      live.subscribe((row) => holds<Equal<typeof row, Row>>());
      const untyped = mill.stream('other');
      holds<Equal<typeof untyped, DurableStream<Record<string, unknown>>>>();
    };
    expect(check).toBeInstanceOf(Function);
  });

  it('refuse what the schema refuses', () => {
    const check = (stream: DurableStream<Row, Input>, row: Input): void => {
      void stream.append(row);
      // @ts-expect-error a column is missing
      void stream.append({ ts: 1 });
      // @ts-expect-error an int64 is a bigint
      void stream.append({ ...row, large: 1 });
      // @ts-expect-error a required value is not null
      void stream.append({ ...row, text: null });
      // @ts-expect-error a column that the schema does not have
      void stream.append({ ts: 1, ...row, unknown: 1 });
      // @ts-expect-error a json column has the type it was declared with
      void stream.append({ ...row, shape: { b: 1 } });
      // @ts-expect-error not a position
      stream.from('first');
      // @ts-expect-error not a way to handle a full log
      stream.write({ full: 'wait' });
      // @ts-expect-error a key is a string, an integer or a boolean
      key(bytes());
      // @ts-expect-error a key is there
      key(string().optional());
    };
    expect(check).toBeInstanceOf(Function);
  });

  it('of columns: a list of values, a typed array, or values and indexes', () => {
    const check = (stream: DurableStream<RowOf<typeof plain>, InputOf<typeof plain>>): void => {
      void stream.appendColumns({ ts: Float64Array.of(1), device: ['a'], value: Float64Array.of(1) });
      void stream.appendColumns({
        ts: [new Date()],
        device: { values: ['a'], indexes: [0] },
        value: [1],
        note: [null],
      });
      // @ts-expect-error a required column is missing
      void stream.appendColumns({ ts: Float64Array.of(1), device: ['a'] });
      // @ts-expect-error a column of text
      void stream.appendColumns({ ts: Float64Array.of(1), device: [5], value: [1] });
    };
    expect(check).toBeInstanceOf(Function);
  });

  it('are those of what comes out', async () => {
    const { readings } = await startedMill({}, everything);
    const at = new Date(7);
    const given: Input = {
      ts: at,
      device: 'd',
      slot: 1,
      place: 'roof',
      text: 't',
      flag: true,
      small: 2,
      large: 3n,
      single: 0.5,
      any: [1],
      shape: { a: 1 },
      raw: Uint8Array.of(1),
      floor: null,
    };
    await readings.append(given);
    const [row] = await take(readings.from('earliest'), 1);
    expect(row).toEqual({ ...given, ts: 7, floor: undefined });
  });
});

const plain = { ts: timestamp(), device: key(string()), value: float64(), note: json<string>().optional() };

import { type MillraceError, SchemaError } from '../../src/errors.js';
import { float64, key, string, timestamp } from '../../src/index.js';
import { failure, startedMill } from '../support/stream-mills.js';

describe('appendColumns refuses, and writes nothing', () => {
  const right = { ts: [1, 2, 3], device: ['a', 'b', 'c'], v: [1, 2, 3] };
  const refuse = async (columns: unknown): Promise<MillraceError> => {
    const shape = { ts: timestamp(), device: key(string()), v: float64(), s: string().optional() };
    const { mill, readings } = await startedMill({}, shape);
    const error = await failure(readings.appendColumns(columns as never));
    expect(error).toBeInstanceOf(SchemaError);
    expect(error.stream).toBe('readings');
    expect(mill.metrics()).toMatchObject({ events: 0, queue: { filling: 0 } });
    return error;
  };

  it.each([
    ['lists of different lengths', { ...right, v: [1, 2] }, 'v'],
    ['an optional list of another length', { ...right, s: ['x'] }, 's'],
    ['a required column that is missing', { ts: [1], device: ['a'] }, 'v'],
    ['a column that the schema does not have', { ...right, w: [1, 2, 3] }, 'w'],
    ['a single value', { ...right, v: 5 }, 'v'],
    ['null', { ...right, s: null }, 's'],
    ['a text', { ...right, device: 'abc' }, 'device'],
    ['a DataView', { ...right, v: new DataView(new ArrayBuffer(3)) }, 'v'],
    ['a Set', { ...right, v: new Set([1, 2, 3]) }, 'v'],
    ['indexes alone', { ...right, device: { indexes: [0, 0, 0] } }, 'device'],
    ['values that are no array', { ...right, device: { values: 'abc', indexes: [0, 1, 2] } }, 'device'],
    ['indexes that are no array', { ...right, device: { values: ['a'], indexes: 'abc' } }, 'device'],
  ])('%s', async (_, columns, column) => {
    expect(await refuse(columns)).toMatchObject({ column });
  });

  it.each([
    ['past the values', [0, 1, 2]],
    ['negative', [0, 1, -1]],
    ['negative, typed', Int32Array.of(0, 1, -1)],
    ['a fraction', [0, 1, 0.5]],
    ['NaN', [0, 1, Number.NaN]],
    ['a text', [0, 1, '1']],
    ['missing', [0, 1, undefined]],
  ])('an index that is %s, naming the row', async (_, indexes) => {
    expect(await refuse({ ...right, device: { values: ['a', 'b'], indexes } })).toMatchObject({
      column: 'device',
      row: 2,
    });
  });

  it('a wrong value, naming the row', async () => {
    expect(await refuse({ ...right, v: [1, 2, '3'] })).toMatchObject({ column: 'v', row: 2 });
    expect(await refuse({ ...right, ts: Float64Array.of(1, 2.5, 3) })).toMatchObject({ column: 'ts', row: 1 });
    expect(await refuse({ ...right, ts: Float64Array.of(1, 2, Number.NaN) })).toMatchObject({ column: 'ts', row: 2 });
  });

  it('a wrong value among indexed ones, naming the first row that has it', async () => {
    const device = { values: ['a', 5], indexes: [0, 0, 1] };
    expect(await refuse({ ...right, device })).toMatchObject({ column: 'device', row: 2 });
  });

  it.each([undefined, null, 5, [], [[1], ['a'], [1]], new Map()])('%p for columns', async (columns) => {
    await refuse(columns);
  });
});

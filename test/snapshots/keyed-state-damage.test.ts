import { MillraceError } from '../../src/errors.js';
import { columnarCodec } from '../../src/snapshots/columnar-codec.js';
import { KeyedState } from '../../src/snapshots/keyed-state.js';
import { loadState } from '../../src/snapshots/load-state.js';
import { jsonCodec, type StateCodec, type Values } from '../../src/snapshots/state-codec.js';
import type { StateFile } from '../../src/snapshots/state-file.js';
import type { StateKey } from '../../src/snapshots/state-key.js';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { now } from '../storage/support.js';
import { type AnyState, context, DIRECTORY, load, makeDirectory, prepareHash, save } from './keyed-state-support.js';

beforeAll(prepareHash);

/** A base and a delta with entries and emptied slots. */
function prepare<V, A extends Values>(codec: StateCodec<V, A>, value: V) {
  const storage = makeDirectory(new SimulatedStorage());
  const state: AnyState<V, A> = new KeyedState('counts', codec);
  for (let key = 0; key < 20; key++) state.set(`device-${key}`, value);
  save(storage, state);
  state.set('device-7', value);
  for (let key = 10; key < 13; key++) state.delete(`device-${key}`);
  save(storage, state);
  const [base, delta] = state.files as [StateFile, StateFile];
  const paths = [`${DIRECTORY}/${base.name}`, `${DIRECTORY}/${delta.name}`] as const;
  return { storage, state, base, delta, paths, codec };
}

type Prepared = ReturnType<typeof prepareJson>;
const prepareJson = () => prepare(jsonCodec<unknown>(), { mean: 21.5 });

/** The error that loading ends with, and that nothing was written. */
function failureOf(
  { storage, codec }: Pick<Prepared, 'storage' | 'codec'>,
  files: readonly StateFile[],
  name = 'counts',
) {
  const bytes = () => Buffer.concat(storage.paths().map((path) => storage.contents(path)));
  const before = bytes();
  let failure: unknown;
  try {
    load(storage, files, codec, name);
  } catch (error) {
    failure = error;
  }
  expect(bytes().equals(before)).toBe(true);
  expect(storage.openFiles).toBe(0);
  if (!(failure instanceof MillraceError)) throw failure ?? new Error('it was loaded');
  return failure;
}

describe('loading a state', () => {
  it.each([
    ['JSON values', prepareJson],
    ['columns', () => prepare(columnarCodec(2), [1, 2]) as never],
  ])('finds every flipped byte of files with %s, and says where', (_, prepareFiles) => {
    const prepared: Prepared = prepareFiles();
    const { storage, base, delta, paths } = prepared;
    for (const path of paths) {
      const { length } = storage.contents(path);
      for (let offset = 0; offset < length; offset++) {
        storage.flip(path, offset, 1 << (offset % 8));
        const failure = failureOf(prepared, [base, delta]);
        expect(failure.path).toBe(path);
        expect(failure.offset).toBeLessThanOrEqual(offset);
        storage.flip(path, offset, 1 << (offset % 8));
      }
    }
    expect(load(storage, [base, delta], prepared.codec).size).toBe(17);
  });

  it('finds a file that was cut anywhere, or that goes on', () => {
    const prepared = prepareJson();
    const { storage, base, delta, paths } = prepared;
    const whole = storage.contents(paths[1]);
    for (let length = 0; length < whole.length; length++) {
      storage.replace(paths[1], whole.subarray(0, length));
      expect(failureOf(prepared, [base, delta])).toMatchObject({ path: paths[1], offset: length });
    }
    storage.replace(paths[1], Buffer.concat([whole, new Uint8Array(8)]));
    expect(failureOf(prepared, [base, delta]).message).toContain('bytes');
  });

  it.each<[string, (prepared: Prepared) => readonly StateFile[], RegExp]>([
    ['a file that is missing', ({ base, delta }) => [base, { ...delta, name: 'gone' }], /gone is missing/],
    ['a delta without its base', ({ delta }) => [delta], /is delta 2, not base 2/],
    ['a base as a delta', ({ base }) => [base, base], /is base 1, not delta 1/],
    ['a delta twice', ({ base, delta }) => [base, delta, delta], /continues file 1, not 2/],
    [
      'a file under the name of another',
      ({ base, delta }) => [base, { ...delta, number: 3 }],
      /is delta 2, not delta 3/,
    ],
    [
      'another file than was written',
      ({ base, delta }) => [base, { ...delta, checksum: '0' }],
      /not the file that was written/,
    ],
  ])('refuses %s', (_, filesOf, message) => {
    const prepared = prepareJson();
    const failure = failureOf(prepared, filesOf(prepared));
    expect(failure.message).toMatch(message);
    expect(failure.code).toBe('CORRUPT_STATE');
  });

  it('refuses blocks that were swapped, lost or doubled, though each is whole', () => {
    const prepared = prepareJson();
    const { storage, base, delta, paths } = prepared;
    const whole = storage.contents(paths[1]);
    const [header, blocks] = [whole.subarray(0, 64), blocksOf(whole)];
    expect(blocks).toHaveLength(3);
    for (const order of [[1, 0, 2], [0, 2], [0, 0, 1, 2], [2]]) {
      const bytes = Buffer.concat([header, ...order.map((at) => blocks[at]!)]);
      storage.replace(paths[1], bytes);
      expect(failureOf(prepared, [base, { ...delta, bytes: bytes.length }]).path).toBe(paths[1]);
    }
  });

  it('refuses the file of another state, and of another mill', () => {
    const prepared = prepareJson();
    expect(failureOf(prepared, [prepared.base], 'sums').message).toMatch(/belongs to another/);
    const other = { ...context(), databaseId: new Uint8Array(16) };
    const loading = loadState<StateKey, unknown, unknown[]>(
      prepared.storage,
      DIRECTORY,
      [prepared.base],
      prepared.state,
      other,
    );
    expect(() => now(loading)).toThrow(/another mill/);
  });

  it('refuses what another codec, other fields or a later release wrote', () => {
    const { storage, base, paths } = prepare(columnarCodec(2), [1, 2]);
    for (const codec of [jsonCodec(), columnarCodec(3)] as never[])
      expect(failureOf({ storage, codec }, [base])).toMatchObject({ code: 'SCHEMA_CHANGED', path: paths[0] });
    const later = Buffer.from(storage.contents(paths[0]));
    later.writeUInt32LE(2, 8);
    later.writeBigUInt64LE(context().hash(later.subarray(0, 56)), 56);
    storage.replace(paths[0], later);
    const failure = failureOf({ storage, codec: columnarCodec(2) as never }, [base]);
    expect(failure).toMatchObject({ code: 'UNSUPPORTED_VERSION', path: paths[0] });
  });

  it('reports what the disk reports', () => {
    const { storage, base, codec } = prepareJson();
    storage.failAt({ operation: 'read', nth: 2, code: 'EIO' });
    expect(() => load(storage, [base], codec)).toThrow(/EIO/);
    expect(storage.openFiles).toBe(0);
  });

  it('is empty without files', () => {
    expect(load(new SimulatedStorage(), [], jsonCodec()).size).toBe(0);
  });
});

function blocksOf(file: Uint8Array): Uint8Array[] {
  const blocks: Uint8Array[] = [];
  for (let at = 64; at < file.length; ) {
    const length = 24 + Buffer.from(file).readUInt32LE(at + 4);
    blocks.push(file.subarray(at, at + length));
    at += length;
  }
  return blocks;
}

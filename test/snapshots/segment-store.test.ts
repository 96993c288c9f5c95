import { EMPTY, Subject, timer } from 'rxjs';
import { readersOf } from '../../src/snapshots/live-segment.js';
import type { SegmentEntry } from '../../src/snapshots/manifest.js';
import type { BlockInfo } from '../../src/snapshots/segment-format.js';
import { SegmentStore } from '../../src/snapshots/segment-store.js';
import { SimulatedStorage, type SimulatedStorageOptions } from '../../src/storage/simulated-storage.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import type { Hash } from '../../src/wal/hash.js';
import { now } from '../support/log-files.js';
import { hashing } from '../support/log-mill.js';

const FOLDER = '/mill/segments';
const BYTES = 100;

let hash: Hash;
beforeAll(async () => {
  hash = await hashing();
});

/** An entry of a segment with blocks of these lsns, each two rows. */
function entryOf(
  number: number,
  stream = 1,
  blocks: readonly (readonly [number, number])[] = [[number, number]],
): SegmentEntry {
  const infos = blocks.map(
    ([firstLsn, lastLsn]) =>
      ({ rows: 2, firstLsn, lastLsn, minTime: -firstLsn, maxTime: lastLsn * 10 }) as unknown as BlockInfo,
  );
  const info = { stream, version: 1, indexed: false, bytes: BYTES, directory: 0, hash: '', blocks: infos };
  return { number, info };
}

function storeWith(entries: readonly SegmentEntry[], options: SimulatedStorageOptions = {}) {
  const storage = new SimulatedStorage(options);
  for (const { number } of entries)
    storage.replace(`${FOLDER}/${String(number).padStart(8, '0')}.arrow`, new Uint8Array(BYTES));
  const layoutOf = (id: number, version: number) => ({ id, version, columns: [] });
  return { storage, store: new SegmentStore({ storage, folder: FOLDER, hash }, layoutOf, entries) };
}

const numbers = (store: SegmentStore, stream = 1) => store.of(stream).map(({ entry }) => entry.number);
const files = (storage: SimulatedStorage) => storage.paths().map((path) => Number(path.slice(-14, -6)));

describe('SegmentStore', () => {
  it('has the segments of each stream, in the order of the manifest, with their bounds', () => {
    const { store } = storeWith([
      entryOf(3, 1, [
        [5, 9],
        [20, 30],
      ]),
      entryOf(1),
      entryOf(2, 2),
    ]);
    expect([numbers(store), numbers(store, 2), numbers(store, 3)]).toEqual([[3, 1], [2], []]);
    expect(store.of(1)[0]).toMatchObject({ firstLsn: 5, lastLsn: 30, minTime: -20, maxTime: 300, rows: 4 });
    expect(store.bytes).toBe(3 * BYTES);
    expect(store.entries.map(({ number }) => number)).toEqual([3, 1, 2]);
  });

  it('gives numbers that no file has had', () => {
    const { store } = storeWith([entryOf(7), entryOf(2)]);
    expect([store.takeNumber(), store.takeNumber()]).toEqual([8, 9]);
    store.replace([entryOf(2)]);
    expect(store.takeNumber()).toBe(10);
    expect(storeWith([]).store.takeNumber()).toBe(1);
  });

  it('removes files that are no longer named, and keeps segments that still are', () => {
    const { store, storage } = storeWith([entryOf(1), entryOf(2), entryOf(3)]);
    const [, second] = store.of(1);
    store.replace([entryOf(2), entryOf(4)]);
    expect(files(storage)).toEqual([2]);
    expect(store.of(1)[0]).toBe(second);
    expect(numbers(store)).toEqual([2, 4]);
  });

  it('keeps a file that someone reads until he is through', () => {
    const { store, storage } = storeWith([entryOf(1), entryOf(2)]);
    const reading = new Subject<void>();
    let size = 0;
    const uses = [0, 1].map(() =>
      store
        .of(1)[0]!
        .use((reader) => {
          reader.file.size().subscribe((bytes) => (size = bytes));
          return reading;
        })
        .subscribe(),
    );
    expect(size).toBe(BYTES);
    store.replace([entryOf(2)]);
    expect(files(storage)).toEqual([1, 2]);
    uses[0]!.unsubscribe();
    expect(files(storage)).toEqual([1, 2]);
    reading.complete();
    expect(files(storage)).toEqual([2]);
    expect(storage.openFiles).toBe(0);
  });

  it('keeps at most 64 files open that nobody reads', () => {
    const { store, storage } = storeWith(Array.from({ length: 100 }, (_, at) => entryOf(at + 1)));
    now(store.check());
    expect(storage.openFiles).toBe(64);
    // Of these one that is read again stays.
    const before = storage.operations;
    now(store.of(1).at(-1)!.check());
    expect(storage.operations).toBe(before + 1);
    now(store.close());
    expect(storage.openFiles).toBe(0);
  });

  it.each<[string, (storage: SimulatedStorage, path: string) => void, number]>([
    ['is missing', (storage, path) => storage.remove(path).subscribe(), 0],
    ['has 99 bytes in place of 100', (storage, path) => storage.replace(path, new Uint8Array(99)), 99],
    ['has 101 bytes in place of 100', (storage, path) => storage.replace(path, new Uint8Array(101)), 100],
    ['has 0 bytes in place of 100', (storage, path) => storage.replace(path, new Uint8Array(0)), 0],
  ])('says that a file %s', (what, spoil, offset) => {
    const { store, storage } = storeWith([entryOf(1), entryOf(2)]);
    const path = `${FOLDER}/00000002.arrow`;
    spoil(storage, path);
    expect(() => now(store.check())).toThrow(expect.objectContaining({ code: 'CORRUPT_SEGMENT', path, offset }));
    expect(() => now(store.check())).toThrow(what);
  });

  it('closes the first of many again where all are let go in the turn in which it was opened', () => {
    const clock = new VirtualClock();
    const entries = Array.from({ length: 65 }, (_, at) => entryOf(at + 1));
    const { store, storage } = storeWith(entries, { scheduler: clock, latency: 1 });
    // The first one is closed again when the last one is let go: from then on it alone has to be opened.
    for (const work of [store.check(), readersOf(store.of(1), () => EMPTY)]) {
      work.subscribe();
      clock.advanceBy(1_000);
      expect(storage.openFiles).toBe(64);
    }
    store.close().subscribe();
    clock.advanceBy(1_000);
    expect(storage.openFiles).toBe(0);
  });

  it('opens a file again after an opening that failed', () => {
    const { store, storage } = storeWith([entryOf(1)]);
    storage.failAt({ operation: 'open', nth: 1, code: 'EMFILE' });
    expect(() => now(store.of(1)[0]!.check())).toThrow(expect.objectContaining({ code: 'EMFILE' }));
    now(store.check());
  });

  it('ends reading when it is closed, and closes every file', () => {
    const { store, storage } = storeWith([entryOf(1), entryOf(2)]);
    let failure: unknown = null;
    store
      .of(1)[0]!
      .use(() => timer(1e6))
      .subscribe({ error: (error) => (failure = error) });
    now(store.close());
    expect(failure).toMatchObject({ code: 'CLOSED' });
    expect(storage.openFiles).toBe(0);
  });
});

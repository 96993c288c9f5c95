import { type Manifest, readManifest, writeManifest } from '../../src/snapshots/manifest.js';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import type { Hash } from '../../src/wal/hash.js';
import { now } from '../support/log-files.js';
import { bytesOf, hashing } from '../support/log-mill.js';

const A = '/mill/manifest-a.json';
const B = '/mill/manifest-b.json';
const OLD: Manifest = {
  format: 1,
  sequence: 4,
  databaseId: '0f'.repeat(16),
  vgroups: 4,
  commit: 17,
  nextLsn: 900,
  ceiling: 1_000,
  logs: [3, 3, 3, 3, 3],
  streams: [],
  segments: [],
};
const NEW: Manifest = { ...OLD, sequence: 5, commit: 23, nextLsn: 1_200 };

let hash: Hash;
beforeAll(async () => {
  hash = await hashing();
});

const read = (storage: SimulatedStorage) => now(readManifest(storage, '/mill', hash));
const write = (storage: SimulatedStorage, manifest: Manifest) => writeManifest(storage, '/mill', manifest, hash);

/** A disk with both copies of a manifest, durably. */
function diskWith(manifest: Manifest): SimulatedStorage {
  const storage = new SimulatedStorage();
  storage.replace('/mill/LOCK', new Uint8Array(0));
  now(write(storage, manifest));
  return storage;
}

const textOf = (manifest: object) => {
  const text = JSON.stringify(manifest, Object.keys(manifest).sort());
  return `{"checksum":"${hash(Buffer.from(text)).toString(16).padStart(16, '0')}","manifest":${text}}\n`;
};

/** Bytes of a copy that is in some state; `null` for none. */
const COPIES: Record<string, () => Uint8Array | null> = {
  new: () => Buffer.from(textOf(NEW)),
  old: () => Buffer.from(textOf(OLD)),
  damaged: () => Buffer.from(textOf(NEW).replace('23', '24')),
  empty: () => new Uint8Array(0),
  missing: () => null,
};

describe('a manifest', () => {
  it('is written twice, as canonical JSON behind its checksum', () => {
    const copies = [...bytesOf(diskWith(NEW))].filter(([path]) => path !== '/mill/LOCK');
    expect(copies).toEqual([
      [A, Buffer.from(textOf(NEW))],
      [B, Buffer.from(textOf(NEW))],
    ]);
  });

  it('is read back', () => {
    expect(read(diskWith(NEW))).toEqual({ manifest: NEW, isWhole: true });
  });

  it.each([
    ['new', 'new', { manifest: NEW, isWhole: true }],
    ['new', 'old', { manifest: NEW, isWhole: false }],
    ['old', 'new', { manifest: NEW, isWhole: false }],
    ['new', 'damaged', { manifest: NEW, isWhole: false }],
    ['damaged', 'new', { manifest: NEW, isWhole: false }],
    ['old', 'damaged', { manifest: OLD, isWhole: false }],
    ['empty', 'new', { manifest: NEW, isWhole: false }],
    ['new', 'missing', { manifest: NEW, isWhole: false }],
    ['missing', 'old', { manifest: OLD, isWhole: false }],
    ['missing', 'missing', null],
    ['damaged', 'damaged', 'CORRUPT_MANIFEST'],
    ['damaged', 'missing', 'CORRUPT_MANIFEST'],
    ['missing', 'empty', 'CORRUPT_MANIFEST'],
  ])('with one copy %s and the other %s', (a, b, expected) => {
    const storage = new SimulatedStorage();
    for (const [path, state] of [
      [A, a],
      [B, b],
    ] as const) {
      const bytes = COPIES[state]!();
      if (bytes !== null) storage.replace(path, bytes);
    }
    const before = bytesOf(storage);
    if (typeof expected === 'string') {
      expect(() => read(storage)).toThrow(expect.objectContaining({ code: expected, path: a === 'missing' ? B : A }));
    } else {
      expect(read(storage)).toEqual(expected);
    }
    expect(bytesOf(storage)).toEqual(before);
    expect(storage.openFiles).toBe(0);
  });

  it('with two copies of one sequence that differ is not whole', () => {
    const storage = new SimulatedStorage();
    storage.replace(A, Buffer.from(textOf(NEW)));
    storage.replace(B, Buffer.from(textOf({ ...NEW, databaseId: 'aa'.repeat(16) })));
    expect(read(storage)).toMatchObject({ isWhole: false });
  });

  it('is not believed after any bit is flipped or any byte is missing at its end', () => {
    const whole = Buffer.from(textOf(NEW));
    const spoiled = Array.from(whole, (_, at) => whole.subarray(0, at));
    for (let at = 0; at < whole.length; at++) {
      const flipped = Buffer.from(whole);
      flipped[at]! ^= 1 << (at % 8);
      spoiled.push(flipped);
    }
    for (const bytes of spoiled) {
      const storage = diskWith(OLD);
      storage.replace(A, bytes);
      expect(read(storage)).toEqual({ manifest: OLD, isWhole: false });
      storage.replace(B, bytes);
      expect(() => read(storage)).toThrow(expect.objectContaining({ code: 'CORRUPT_MANIFEST' }));
    }
  });

  it.each([
    ['a later format', { ...NEW, format: 2 }, 'UNSUPPORTED_VERSION'],
    ['no VGroup', { ...NEW, vgroups: 0 }, 'CORRUPT_MANIFEST'],
    ['too many VGroups', { ...NEW, vgroups: 64 }, 'CORRUPT_MANIFEST'],
    ['a commit that is no number', { ...NEW, commit: 'x' }, 'CORRUPT_MANIFEST'],
    ['a log file too few', { ...NEW, logs: [3] }, 'CORRUPT_MANIFEST'],
    ['no segments', { ...NEW, segments: undefined }, 'CORRUPT_MANIFEST'],
    ['something derived that cannot be', { ...NEW, derived: [{ name: 'x', kind: 'view' }] }, 'CORRUPT_MANIFEST'],
  ])('with %s is refused', (_, manifest, code) => {
    const storage = new SimulatedStorage();
    for (const path of [A, B]) storage.replace(path, Buffer.from(textOf(manifest)));
    expect(() => read(storage)).toThrow(expect.objectContaining({ code }));
  });

  it('is the old one or the new one after a crash at any operation of writing it, and never lost once written', () => {
    const seen = new Set<number>();
    const whole = diskWith(OLD);
    const before = whole.operations;
    now(write(whole, NEW));
    for (let operation = before + 1; operation <= whole.operations; operation++) {
      for (let cut = 0; cut < 20; cut++) {
        const storage = diskWith(OLD).kill({ seed: cut });
        storage.crashAt(operation - before);
        write(storage, NEW).subscribe();
        const { manifest } = read(cut % 4 === 0 ? storage.kill() : storage.crash())!;
        seen.add(manifest.sequence);
        expect([OLD, NEW]).toContainEqual(manifest);
      }
    }
    expect(seen).toEqual(new Set([4, 5]));
    for (let cut = 0; cut < 20; cut++) expect(read(whole.crash())).toEqual({ manifest: NEW, isWhole: true });
  });

  it('is the old one or the new one after any operation of writing it failed', () => {
    for (let nth = 1; ; nth++) {
      const storage = diskWith(OLD);
      storage.failAt({ nth, code: 'EIO' });
      let failure: unknown;
      write(storage, NEW).subscribe({
        error: (error) => {
          failure = error;
        },
      });
      expect(storage.openFiles).toBe(0);
      if (failure === undefined) break;
      expect(failure).toMatchObject({ code: 'EIO' });
      expect([OLD, NEW]).toContainEqual(read(storage.crash())!.manifest);
    }
  });

  it('is written over what a crash left of an earlier attempt', () => {
    const storage = diskWith(OLD);
    for (const path of [A, B]) storage.replace(`${path}.tmp`, Buffer.alloc(10_000, 'x'));
    now(write(storage, NEW));
    expect(read(storage)).toEqual({ manifest: NEW, isWhole: true });
    expect(storage.contents(A)).toHaveLength(textOf(NEW).length);
  });
});

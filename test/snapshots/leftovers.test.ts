import { leftoversIn, removeLeftovers } from '../../src/snapshots/leftovers.js';
import type { Manifest, SegmentEntry } from '../../src/snapshots/manifest.js';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { now } from '../support/log-files.js';

const manifest = {
  segments: [3, 123_456_789].map((number) => ({ number }) as SegmentEntry),
  derived: [{ states: [{ files: [{ name: '00000002.state' }] }, { files: [] }] }],
} as unknown as Manifest;

const KEPT = [
  '/mill/LOCK',
  '/mill/manifest-a.json',
  '/mill/manifest-b.json',
  '/mill/manifest-c.json.tmp',
  '/mill/notes.tmp',
  '/mill/segments/00000003.arrow',
  '/mill/segments/0000004.arrow',
  '/mill/segments/123456789.arrow',
  '/mill/segments/00000004.arrow.old',
  '/mill/segments/my.arrow',
  '/mill/segments/readme.txt',
  '/mill/state/00000002.state',
  '/mill/state/00000003.states',
  '/mill/vgroup-00/current.wal',
];
const LEFT = [
  '/mill/manifest-a.json.tmp',
  '/mill/manifest-b.json.tmp',
  '/mill/segments/00000002.arrow',
  '/mill/segments/00000004.arrow',
  '/mill/segments/123456790.arrow',
  '/mill/state/00000001.state',
];

function disk(): SimulatedStorage {
  const storage = new SimulatedStorage();
  for (const path of [...KEPT, ...LEFT]) storage.replace(path, Uint8Array.of(1));
  return storage;
}

describe('leftovers of a crash', () => {
  it('are those files with names of ours that the manifest does not name; only they are removed', () => {
    const storage = disk();
    expect([...now(leftoversIn(storage, '/mill', manifest))].sort()).toEqual(LEFT);
    now(removeLeftovers(storage, '/mill', manifest));
    expect(storage.paths().sort()).toEqual(KEPT.toSorted());
    expect(now(leftoversIn(storage, '/mill', manifest))).toEqual([]);
  });

  it('that cannot be removed stay, and stop nothing', () => {
    const storage = disk();
    const heal = storage.failAt({ operation: 'remove', nth: 1, times: 3, code: 'EACCES' });
    now(removeLeftovers(storage, '/mill', manifest));
    expect(storage.paths().filter((path) => LEFT.includes(path))).toHaveLength(3);
    heal();
    now(removeLeftovers(storage, '/mill', manifest));
    expect(storage.paths().sort()).toEqual(KEPT.toSorted());
  });

  it('are none where folders cannot be read', () => {
    const storage = disk();
    storage.failAt({ operation: 'list', nth: 1, times: 3, code: 'EACCES' });
    now(removeLeftovers(storage, '/mill', manifest));
    expect(storage.paths()).toHaveLength(KEPT.length + LEFT.length);
    expect(now(leftoversIn(new SimulatedStorage(), '/none', manifest))).toEqual([]);
  });
});

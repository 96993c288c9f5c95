import type { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { endOf, type KnownMill, knownMill, overwritten } from '../support/log-damage.js';
import { bytesOf, DIRECTORY, logPath, openNow, type SmallMill } from '../support/log-mill.js';
import type { KnownFile } from '../support/log-oracle.js';

const CUT = `${DIRECTORY}/cut`;
const copiesIn = (disk: SimulatedStorage) => new Map([...bytesOf(disk)].filter(([path]) => path.startsWith(CUT)));

const framesOf = (file: KnownFile) => file.bytes.subarray(0, endOf(file));

/** The mill with garbage behind the last frame of some files. */
function withTails(mill: KnownMill, tails: ReadonlyMap<KnownFile, Buffer>): SimulatedStorage {
  const disk = mill.storage.kill();
  for (const [file, tail] of tails) disk.replace(file.path, Buffer.concat([file.bytes.subarray(0, endOf(file)), tail]));
  return disk;
}

describe('what recovery cuts', () => {
  let mill: KnownMill;
  let first: KnownFile;
  beforeAll(async () => {
    mill = await knownMill({ vgroups: 1, level: 'sync', end: 'clean' });
    first = mill.files[0]!;
  });

  it('is kept under the name of its log and its place', () => {
    const disk = withTails(mill, new Map([[first, Buffer.from('torn')]]));
    const { cut } = openNow(disk).recovered!.log;
    const copy = `${CUT}/vgroup-00-at-${endOf(first)}.wal`;
    expect(cut).toEqual({ commits: 1, bytes: 4, files: [{ path: first.path, offset: endOf(first), bytes: 4, copy }] });
    expect(copiesIn(disk)).toEqual(new Map([[copy, Buffer.from('torn')]]));
  });

  it('has the zeros between, and none at the end', () => {
    const tail = Buffer.concat([Buffer.alloc(10), Buffer.from('torn'), Buffer.alloc(100)]);
    const disk = withTails(mill, new Map([[first, tail]]));
    openNow(disk);
    expect([...copiesIn(disk).values()]).toEqual([tail.subarray(0, 14)]);
  });

  it('is never written over by a later recovery that cuts at the same place', () => {
    let disk = withTails(mill, new Map([[first, Buffer.from('first')]]));
    for (const tail of ['second', 'third']) {
      openNow(disk);
      disk = disk.kill();
      disk.replace(first.path, Buffer.concat([first.bytes.subarray(0, endOf(first)), Buffer.from(tail)]));
    }
    openNow(disk);
    expect([...copiesIn(disk)].map(([path, bytes]) => [path.slice(CUT.length), bytes.toString()])).toEqual([
      [`/vgroup-00-at-${endOf(first)}-2.wal`, 'second'],
      [`/vgroup-00-at-${endOf(first)}-3.wal`, 'third'],
      [`/vgroup-00-at-${endOf(first)}.wal`, 'first'],
    ]);
  });

  it('is copied whole where it is longer than what is read at once', () => {
    const tail = Buffer.alloc(2.5 * 1024 * 1024, 'torn');
    const disk = withTails(mill, new Map([[first, tail]]));
    openNow(disk);
    expect([...copiesIn(disk).values()].map((copy) => copy.equals(tail))).toEqual([true]);
  });

  it('says how many commits it saw a trace of', async () => {
    const flush = await knownMill({ vgroups: 1, level: 'flush', end: 'unclean' });
    const [file] = flush.files as [KnownFile];
    const { offset, bytes } = file.frames.at(-2)!;
    const disk = flush.storage.kill();
    disk.replace(file.path, overwritten(file, offset, Buffer.alloc(bytes.length)));
    expect(openNow(disk).recovered!.log).toMatchObject({ commit: 5, cut: { commits: 2 } });
  });

  it('is nothing the second time', () => {
    const disk = withTails(mill, new Map([[first, Buffer.from('torn')]]));
    openNow(disk);
    const again = disk.kill();
    const before = bytesOf(again);
    expect(openNow(again).recovered!.log).toMatchObject({ clean: true, cut: { commits: 0, bytes: 0, files: [] } });
    expect(bytesOf(again)).toEqual(before);
  });
});

describe('a recovery that does not come to its end', () => {
  const TORN: SmallMill[] = [
    { vgroups: 1, level: 'sync', end: 'unclean' },
    { vgroups: 4, level: 'flush', end: 'unclean' },
  ];

  it.each(TORN)('after a crash at any of its operations, the next one finds the same: %j', async (about) => {
    const mill = await knownMill(about);
    const tails = new Map(mill.files.map((file, at) => [file, Buffer.from(`torn ${at}`)]));
    const torn = withTails(mill, tails);
    const whole = torn.kill();
    const operations = whole.operations;
    expect(openNow(whole).recovered!.log.commit).toBe(mill.commit);
    for (let operation = operations + 1; operation <= whole.operations; operation++) {
      for (const end of ['kill', 'crash', 'crash'] as const) {
        const disk = torn.kill();
        disk.crashAt(operation);
        expect(() => openNow(disk)).toThrow('opening did not end');
        const after = disk[end]();
        const { recovered, error } = openNow(after);
        if (recovered === null) throw new Error(`refused after a ${end} at ${disk.history.at(-1)}`, { cause: error });
        const { commit, events } = recovered.log;
        const copies = new Set([...copiesIn(after).values()].map(String));
        const isKept = [...tails.values()].every((tail) => copies.has(String(tail)));
        const isWhole = mill.files.every((file) =>
          framesOf(file).equals(Buffer.from(after.contents(file.path)).subarray(0, endOf(file))),
        );
        expect([commit, events, isKept, isWhole]).toEqual([mill.commit, 12, true, true]);
      }
    }
  });

  it('because an operation fails: it says so, and the next one finds the same', async () => {
    const mill = await knownMill(TORN[1]!);
    const torn = withTails(mill, new Map(mill.files.map((file) => [file, Buffer.from('torn')])));
    const operations = ['open', 'read', 'write', 'sync', 'truncate', 'makeDirectory', 'syncDirectory', 'list'] as const;
    for (const operation of operations) {
      for (let nth = 1; nth <= 40; nth++) {
        const disk = torn.kill();
        disk.failAt({ operation, path: /metadata|vgroup|cut|mill$/, nth, code: 'EIO' });
        const { recovered, error } = openNow(disk);
        expect(error).toEqual(recovered === null ? expect.objectContaining({ code: 'EIO' }) : null);
        expect(disk.openFiles === 0 || recovered !== null).toBe(true);
        expect(openNow(disk.crash()).recovered?.log).toMatchObject({ commit: mill.commit, events: 12 });
        if (recovered !== null) break;
      }
    }
  });
});

describe('frames that may be in the page cache only', () => {
  it('are made durable before anything is applied: kill, start, power cut', async () => {
    const mill = await knownMill({ vgroups: 4, level: 'flush', end: 'unclean' });
    for (let cut = 0; cut < 20; cut++) {
      const started = mill.storage.kill();
      expect(openNow(started).recovered!.log.commit).toBe(mill.commit);
      expect(openNow(started.crash()).recovered?.log).toMatchObject({ commit: mill.commit, events: 12 });
    }
  });

  it('are written again, not only synced: a sync alone misses what a failed sync gave up', async () => {
    const mill = await knownMill({ vgroups: 1, level: 'flush', end: 'unclean' });
    for (let cut = 0; cut < 20; cut++) {
      const failing = mill.storage.kill();
      failing.failAt({ operation: 'sync', path: logPath(0), nth: 1, code: 'EIO' });
      expect(openNow(failing).error).toMatchObject({ code: 'EIO' });
      const started = failing.kill();
      expect(openNow(started).recovered!.log.commit).toBe(mill.commit);
      expect(openNow(started.crash()).recovered?.log.commit).toBe(mill.commit);
    }
  });
});

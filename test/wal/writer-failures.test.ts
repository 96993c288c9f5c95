import { METADATA } from '../../src/wal/format.js';
import { logPath } from '../support/log-mill.js';
import { type RigOptions, WriterRig } from '../support/log-writer.js';

const slow = (operation: string) => (operation === 'write' || operation === 'sync' ? 10 : 0);

/** A rig with a commit behind it: a number 0 in VGroup 0, and the first lsn ceiling. */
async function warm(options: RigOptions = {}): Promise<WriterRig> {
  const rig = await WriterRig.open(options);
  rig.write(0);
  rig.told.length = rig.applied.length = 0;
  return rig;
}

const lengths = (rig: WriterRig, vgroups = 1) =>
  [...Array(vgroups).keys(), METADATA].map((participant) => rig.storage.contents(logPath(participant)).length);

describe('a commit that cannot be written', () => {
  it.each(['ENOSPC', 'EIO'])('is rejected alone (%s); what filled meanwhile is written', async (code) => {
    const rig = await warm({ latency: slow });
    rig.storage.failAt({ operation: 'write', nth: 1, code });
    rig.append(1);
    rig.append(2);
    rig.clock.advanceBy(5);
    rig.append(3);
    rig.clock.advanceBy(100);
    expect(rig.told).toEqual(['1!NOT_WRITTEN', '2!NOT_WRITTEN', '3@4']);
    expect(rig.applied).toEqual([[3]]);
    expect(rig.writer.failure).toBeNull();
    expect(rig.writer.metrics.commitsRejected).toBe(1);
  });

  it('is cut out of every participant, durably, before its callers are told', async () => {
    for (let seed = 0; seed < 30; seed++) {
      const rig = await warm({ vgroups: 3, logFileBytes: seed % 2 === 0 ? 64 : 1024, seed });
      const before = lengths(rig, 3);
      rig.storage.failAt({ operation: 'write', path: logPath(1), nth: 1, code: 'EIO' });
      for (const vgroup of [0, 1, 2]) rig.append(vgroup, vgroup);
      rig.clock.step();
      expect(rig.told).toEqual(['0!NOT_WRITTEN', '1!NOT_WRITTEN', '2!NOT_WRITTEN']);
      if (seed % 2 === 0) expect(lengths(rig, 3)).toEqual(before);
      const found = WriterRig.recovered(rig.storage.crash(), 3);
      await expect(found).resolves.toMatchObject({ numbers: [[0]], log: { commit: 1, cut: { bytes: 0 } } });
    }
  });

  it('never comes back, whatever is written after it', async () => {
    for (let seed = 0; seed < 30; seed++) {
      const rig = await warm({ vgroups: 2, logFileBytes: 1024, seed });
      rig.storage.failAt({ operation: 'write', path: logPath(1), nth: 1, code: 'ENOSPC' });
      rig.append(1, 0);
      rig.append(2, 1);
      rig.clock.step();
      rig.write(3, 0);
      rig.write(4, 1);
      const { numbers } = await WriterRig.recovered(rig.storage.crash(), 2);
      expect(numbers).toEqual([[0], [3], [4]]);
    }
  });

  it('leaves a hole in the lsns and none in the commit numbers', async () => {
    const rig = await warm();
    rig.storage.failAt({ operation: 'write', nth: 1, code: 'ENOSPC' });
    rig.write(1);
    rig.write(2);
    expect(rig.told).toEqual(['1!NOT_WRITTEN', '2@3']);
    const { commits } = await WriterRig.recovered(rig.storage.kill());
    expect(commits.map(({ number, firstLsn }) => [number, firstLsn])).toEqual([
      [1, 1],
      [2, 3],
    ]);
  });

  it('passes its declarations on to the next commit', async () => {
    const rig = await warm();
    const record = { kind: 'stream', id: 7, name: 'late', version: 1, columns: [] } as const;
    rig.storage.failAt({ operation: 'write', nth: 1, code: 'ENOSPC' });
    rig.writer.record(record);
    rig.write(1);
    expect(rig.told).toEqual(['1!NOT_WRITTEN']);
    rig.write(2);
    const { commits } = await WriterRig.recovered(rig.storage.kill());
    expect(commits.at(-1)).toMatchObject({ records: [record], events: 1 });
  });

  it('heals with room on the disk: a full disk rejects, more room takes', async () => {
    const rig = await warm();
    rig.storage.setCapacity(0);
    for (const number of [1, 2, 3]) rig.write(number);
    rig.storage.setCapacity(Infinity);
    rig.write(4);
    expect(rig.told).toEqual(['1!NOT_WRITTEN', '2!NOT_WRITTEN', '3!NOT_WRITTEN', '4@5']);
    const { numbers } = await WriterRig.recovered(rig.storage.crash());
    expect(numbers).toEqual([[0], [4]]);
  });
});

describe('a failure whose outcome is unknown', () => {
  const FAILURES = [
    { what: 'a sync of a VGroup log', faults: [{ operation: 'sync', path: logPath(0) }] },
    { what: 'a sync of the metadata log', faults: [{ operation: 'sync', path: logPath(METADATA) }] },
    { what: 'cutting a commit back', faults: [{ operation: 'write' }, { operation: 'truncate' }] },
    { what: 'the sync of a cut', faults: [{ operation: 'write' }, { operation: 'sync' }] },
  ] as const;

  /** A failure in the commit of the numbers 1 and 2 with a metadata record; number 3 fills meanwhile, number 4 waits for room. */
  async function poisoned(faults: (typeof FAILURES)[number]['faults'], seed = 0): Promise<WriterRig> {
    const rig = await warm({ latency: slow, commitEventsMax: 2, seed });
    for (const fault of faults) rig.storage.failAt({ ...fault, nth: 1, code: 'EIO' });
    rig.writer.record({ kind: 'mark' });
    for (const number of [1, 2, 3, 4]) rig.append(number);
    rig.writer.whenRoom(() => {
      expect(() => rig.append(5)).toThrow(expect.objectContaining({ code: 'POISONED' }));
      rig.told.push('5 was told');
    });
    rig.clock.advanceBy(100);
    return rig;
  }

  describe.each(FAILURES)('$what', ({ faults }) => {
    it('tells everyone: those in flight, those who filled, those who waited', async () => {
      const rig = await poisoned(faults);
      expect(rig.told).toEqual(['1!OUTCOME_UNKNOWN', '2!OUTCOME_UNKNOWN', '3!POISONED', '4!POISONED', '5 was told']);
      expect(rig.poisonings.map(({ code }) => code)).toEqual(['OUTCOME_UNKNOWN']);
      expect(rig.applied).toEqual([]);
    });

    it('ends writing for good: nothing is written, synced or cut any more', async () => {
      const rig = await poisoned(faults);
      const before = rig.storage.operations;
      expect(() => rig.append(6)).toThrow(expect.objectContaining({ code: 'POISONED' }));
      expect(() => rig.writer.record({ kind: 'mark' })).toThrow(expect.objectContaining({ code: 'POISONED' }));
      expect(() => rig.writer.close(rig.receipt('closed'))).toThrow(expect.objectContaining({ code: 'POISONED' }));
      let error: unknown;
      rig.writer.logs.sync(9).subscribe({ error: (failure) => (error = failure) });
      rig.clock.advanceBy(60_000);
      if (faults[0].operation === 'sync') expect(error).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
      expect(rig.storage.operations).toBe(before);
    });

    it('is decided by the next start: the whole commit or nothing of it', async () => {
      const outcomes = new Set<string>();
      for (let seed = 0; seed < 40; seed++) {
        const { numbers } = await WriterRig.recovered((await poisoned(faults, seed)).storage.crash());
        outcomes.add(JSON.stringify(numbers));
      }
      expect(['[[0]]', '[[0],[1,2]]']).toEqual(expect.arrayContaining([...outcomes]));
    });
  });

  it('comes in time for a caller who waits until all is idle', async () => {
    const rig = await warm({ latency: slow });
    rig.storage.failAt({ operation: 'sync', nth: 1, code: 'EIO' });
    rig.append(1);
    rig.writer.whenIdle(() => rig.told.push('idle'));
    rig.clock.advanceBy(100);
    expect(rig.told).toEqual(['1!OUTCOME_UNKNOWN', 'idle']);
  });
});

import { METADATA } from '../../src/wal/format.js';
import { LSN_STEP } from '../../src/wal/writer.js';
import { logPath } from '../support/log-mill.js';
import { framesIn } from '../support/log-oracle.js';
import { WriterRig } from '../support/log-writer.js';

/** A disk that takes 10 ms to write and 10 ms to sync a file. */
const slow = (operation: string) => (operation === 'write' || operation === 'sync' ? 10 : 0);

/** A rig whose first commit, with the first lsn ceiling, is behind it. */
async function warm(options: Parameters<typeof WriterRig.open>[0] = {}): Promise<WriterRig> {
  const rig = await WriterRig.open(options);
  rig.write(0);
  rig.told.length = rig.applied.length = 0;
  return rig;
}

describe('group commit', () => {
  it('takes together what is appended in one go', async () => {
    const rig = await warm();
    for (const number of [1, 2, 3]) rig.append(number);
    expect(rig.told).toEqual([]);
    rig.clock.step();
    expect(rig.applied).toEqual([[1, 2, 3]]);
    expect(rig.told).toEqual(['1@2', '2@3', '3@4']);
  });

  it('writes one commit at a time; what comes meanwhile goes into the next', async () => {
    const rig = await warm({ latency: slow });
    rig.append(1);
    rig.clock.advanceBy(5);
    for (const number of [2, 3]) rig.append(number);
    rig.clock.advanceBy(10);
    rig.append(4);
    expect(rig.told).toEqual([]);
    rig.clock.advanceBy(5);
    expect(rig.told).toEqual(['1@2']);
    rig.append(5);
    rig.clock.advanceBy(20);
    expect(rig.applied).toEqual([[1], [2, 3, 4]]);
    rig.clock.advanceBy(20);
    expect(rig.applied).toEqual([[1], [2, 3, 4], [5]]);
  });

  it('costs a thousand waiting appends one write and one sync', async () => {
    const rig = await warm({ latency: slow });
    rig.append(1);
    rig.clock.advanceBy(5);
    const before = rig.storage.operations;
    for (let number = 2; number <= 1_000; number++) rig.append(number);
    rig.clock.advanceBy(40);
    expect(rig.told).toHaveLength(1_000);
    // The sync of the first commit, and a write and a sync for the other 999.
    expect(rig.storage.operations - before).toBe(3);
  });

  it('gives lsns in the order of arrival, over all VGroups', async () => {
    const rig = await warm({ vgroups: 3 });
    const vgroups = [2, 0, 0, 1, 2];
    vgroups.forEach((vgroup, number) => {
      rig.append(number, vgroup);
    });
    rig.clock.step();
    expect(rig.told).toEqual(['0@2', '1@3', '2@4', '3@5', '4@6']);
    expect(rig.applied).toEqual([[0, 1, 2, 3, 4]]);
  });

  it('applies a commit before it tells its receipts', async () => {
    const rig = await warm();
    const applied: number[] = [];
    rig.append(1, 0, () => applied.push(rig.applied.length));
    rig.clock.step();
    expect(applied).toEqual([1]);
  });

  it('tells a receipt once for each run of its events', async () => {
    const rig = await warm();
    const counts: string[] = [];
    const receipt = {
      committed: (_: unknown, order: number, count: number) => counts.push(`${order}+${count}`),
      failed: () => {},
    };
    const { filling } = rig.writer;
    for (const count of [1, 1, 3]) filling.add(count, 8, receipt);
    filling.add(2, 8, rig.receipt('other'));
    filling.add(1, 8, receipt);
    rig.writer.sealSoon();
    rig.clock.step();
    expect(counts).toEqual(['0+5', '7+1']);
  });

  it('has the next commit on its way to the disk before it applies the last one', async () => {
    const rig = await warm({ latency: slow });
    let begun = 0;
    rig.append(1, 0, () => {
      begun = rig.begun('write');
    });
    rig.clock.advanceBy(15);
    rig.append(2);
    const before = rig.begun('write');
    rig.clock.advanceBy(5);
    expect(rig.told).toEqual(['1@2']);
    expect(begun).toBe(before + 1);
  });

  it('puts what is appended while a commit is applied into a later one', async () => {
    const rig = await warm();
    rig.append(1, 0, () => rig.append(3));
    rig.append(2);
    while (rig.told.length < 3) rig.clock.step();
    expect(rig.applied).toEqual([[1, 2], [3]]);
  });

  it('syncs the VGroups before the metadata log', async () => {
    const rig = await warm({ vgroups: 2 });
    const from = rig.storage.operations;
    rig.writer.record({ kind: 'mark' });
    rig.append(1, 0);
    rig.append(2, 1);
    rig.clock.step();
    const syncs = rig.storage.history.filter((line) => line.includes(' sync ') && Number.parseInt(line, 10) > from);
    expect(syncs.map((line) => line.split(' ')[2])).toEqual(
      [0, 1, METADATA].map((participant) => logPath(participant)),
    );
  });

  it('numbers commits without gaps, and says in each which one was durable', async () => {
    const rig = await warm({ vgroups: 2 });
    for (const number of [1, 2, 3]) rig.write(number, number % 2);
    rig.writer.record({ kind: 'mark' });
    rig.clock.step();
    const frames = [0, 1, METADATA].flatMap((participant) => framesIn(rig.storage.contents(logPath(participant))));
    const numbers = frames.map(({ commit, durable }) => [commit, durable]).sort(([a], [b]) => a! - b!);
    expect(numbers).toEqual([
      [1, 0],
      [1, 0],
      [2, 1],
      [3, 2],
      [4, 3],
      [5, 4],
    ]);
  });
});

describe('the lsn ceiling', () => {
  const ceilingsIn = async (rig: WriterRig) => {
    const { commits } = await WriterRig.recovered(rig.storage.kill());
    return commits.flatMap(({ records }) => records.flatMap((one) => (one.kind === 'ceiling' ? one.ceiling : [])));
  };

  it('is in the log before the first lsn is', async () => {
    const rig = await WriterRig.open();
    rig.write(1);
    expect(await ceilingsIn(rig)).toEqual([2 + LSN_STEP]);
  });

  it('is raised when half a step is left, in the commit that finds out', async () => {
    const ceiling = 3 * LSN_STEP;
    const rig = await WriterRig.open({ start: { nextLsn: ceiling - LSN_STEP / 2 - 2, ceiling } });
    for (const number of [1, 2, 3, 4]) rig.write(number);
    const { commits } = await WriterRig.recovered(rig.storage.kill());
    const raised = { kind: 'ceiling', ceiling: ceiling + LSN_STEP / 2 + 1 };
    expect(commits.map(({ records }) => records)).toEqual([[], [], [raised], []]);
  });

  it('is the next lsn after an unclean end', async () => {
    const rig = await WriterRig.open();
    rig.write(1);
    const { log } = await WriterRig.recovered(rig.storage.kill());
    expect(log).toMatchObject({ clean: false, nextLsn: 2 + LSN_STEP, events: 1 });
  });

  it('is raised again with the next commit where its own could not be written', async () => {
    const rig = await WriterRig.open();
    rig.storage.failAt({ operation: 'write', nth: 1, code: 'ENOSPC' });
    rig.write(1);
    rig.write(2);
    expect(rig.told).toEqual(['1!NOT_WRITTEN', '2@2']);
    expect(await ceilingsIn(rig)).toEqual([3 + LSN_STEP]);
  });
});

describe('the closed mark', () => {
  it('tells the next start that all is there and which lsn is next', async () => {
    const rig = await warm();
    rig.write(1);
    rig.writer.close(rig.receipt('closed'));
    rig.clock.step();
    expect(rig.told).toEqual(['1@2', 'closed']);
    const { log, numbers } = await WriterRig.recovered(rig.storage.crash());
    expect(log).toMatchObject({ clean: true, nextLsn: 3, commit: 3 });
    expect(numbers).toEqual([[0], [1]]);
  });

  it('counts only as the last record: what is written after another start makes the end unclean', async () => {
    const rig = await warm();
    rig.writer.close(rig.receipt('closed'));
    rig.clock.step();
    const again = await WriterRig.open({ disk: rig.storage.kill() });
    again.write(1);
    expect(again.told).toEqual(['1@2']);
    const { log, numbers } = await WriterRig.recovered(again.storage.kill());
    expect(log).toMatchObject({ clean: false, nextLsn: 2 + LSN_STEP });
    expect(numbers).toEqual([[0], [1]]);
  });

  it('is the last thing in the log', async () => {
    const rig = await warm();
    rig.writer.close(rig.receipt('closed'));
    expect(() => rig.append(2)).toThrow(expect.objectContaining({ code: 'CLOSED' }));
    expect(() => rig.writer.record({ kind: 'mark' })).toThrow(expect.objectContaining({ code: 'CLOSED' }));
  });
});

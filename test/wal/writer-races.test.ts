import { WriterRig } from '../support/log-writer.js';

const slowWrites = (operation: string) => ({ write: 20, sync: 5 })[operation] ?? 0;

describe('a sync while a commit is being written', () => {
  it('does not stand for the sync of that commit: level sync acknowledges nothing that a power cut takes', async () => {
    const rig = await WriterRig.open({ latency: slowWrites });
    rig.write(1);
    // The idle timer fires while the next commit is on its way to the disk.
    rig.clock.advanceBy(990);
    rig.write(2);
    expect(rig.told).toEqual(['1@1', '2@2']);
    for (let cut = 0; cut < 20; cut++) {
      const { numbers } = await WriterRig.recovered(rig.storage.crash());
      expect(numbers).toEqual([[1], [2]]);
    }
  });

  it('does not count what it did not cover as durable (level flush)', async () => {
    const rig = await WriterRig.open({ level: 'flush', vgroups: 2, latency: slowWrites });
    rig.write(1, 0);
    rig.clock.advanceBy(990);
    rig.write(2, 0);
    rig.write(3, 1);
    rig.clock.advanceBy(3_000);
    for (let cut = 0; cut < 20; cut++) {
      const { numbers } = await WriterRig.recovered(rig.storage.crash(), 2);
      expect(numbers).toEqual([[1], [2], [3]]);
    }
  });
});

describe('a failed sync beside a commit in flight', () => {
  /** The idle sync of level flush fails while what `act` adds is being written. */
  const failed = async (act: (rig: WriterRig) => void) => {
    const rig = await WriterRig.open({ level: 'flush', latency: slowWrites });
    rig.write(1);
    rig.write(2);
    rig.clock.advanceBy(990);
    rig.storage.failAt({ operation: 'sync', nth: 1, code: 'EIO' });
    act(rig);
    rig.clock.advanceBy(5_000);
    expect(rig.told.splice(0, 2)).toEqual(['1@1', '2@2']);
    return rig;
  };

  it('acknowledges nothing more, not even what the system has', async () => {
    const { told } = await failed((rig) => {
      rig.append(3);
      rig.append(4);
    });
    expect(told).toEqual(['3!OUTCOME_UNKNOWN', '4!OUTCOME_UNKNOWN']);
  });

  it('tells each caller once, also where the write fails then', async () => {
    const { told, writer } = await failed((rig) => {
      rig.storage.failAt({ operation: 'write', nth: 1, code: 'ENOSPC' });
      rig.append(3);
      rig.writer.whenIdle(() => rig.told.push('idle'));
    });
    expect(told).toEqual(['3!OUTCOME_UNKNOWN', 'idle']);
    expect(writer.failure?.code).toBe('OUTCOME_UNKNOWN');
  });

  it('tells the caller of a record that waits for its own sync', async () => {
    const { told } = await failed((rig) => rig.writer.record({ kind: 'mark' }, rig.receipt('record')));
    expect(told).toEqual(['record!OUTCOME_UNKNOWN']);
  });
});

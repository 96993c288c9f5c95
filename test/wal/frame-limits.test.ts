import { encodeFrame, recordSource } from '../../src/wal/frame.js';
import { hashing } from '../support/log-mill.js';
import { WriterRig } from '../support/log-writer.js';

// The real limit is 512 MiB: too much for a test.
jest.mock('../../src/wal/format.js', () => ({
  ...jest.requireActual('../../src/wal/format.js'),
  BODY_BYTES_MAX: 4_096,
}));

const HEADER = { commit: 1, participants: 1n, durable: 0, firstLsn: 1, events: 0, commitEvents: 0, time: 0 };

describe('a frame whose body is longer than the greatest', () => {
  it('is not encoded, for no reader would believe it', async () => {
    const hash = await hashing();
    const encode = (length: number) => encodeFrame(HEADER, [recordSource('x'.repeat(length))], hash, 0n);
    expect(encode(4_096 - 32)).toHaveLength(72 + 4_096);
    expect(() => encode(4_096 - 31)).toThrow(RangeError);
  });

  it('rejects its commit, and nothing of it is in the log; what comes after is written', async () => {
    const rig = await WriterRig.open();
    rig.write(0);
    rig.writer.record({ kind: 'stream', id: 9, name: 'late', version: 1, columns: [] });
    for (let number = 1; number <= 900; number++) rig.append(number);
    rig.clock.advanceBy(0);
    expect(new Set(rig.told.splice(1))).toEqual(
      new Set(Array.from({ length: 900 }, (_, at) => `${at + 1}!NOT_WRITTEN`)),
    );
    rig.write(901);
    rig.write(902);
    expect(rig.told.splice(1)).toEqual(['901@902', '902@903']);
    const { numbers, commits } = await WriterRig.recovered(rig.storage.crash());
    expect(numbers).toEqual([[0], [901], [902]]);
    // A declaration is not the caller's to repeat.
    expect(commits[1]!.records).toEqual([expect.objectContaining({ kind: 'stream', id: 9 })]);
  });

  it('leaves the writer idle', async () => {
    const rig = await WriterRig.open();
    rig.write(0);
    for (let number = 1; number <= 900; number++) rig.append(number);
    rig.writer.whenIdle(() => rig.told.push('idle'));
    rig.clock.advanceBy(0);
    expect(rig.told.at(-1)).toBe('idle');
  });
});

import { CorruptLogError } from '../../src/errors.js';
import type { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { changed, knownMill } from '../support/log-damage.js';
import {
  bytesOf,
  EPOCH,
  hashing,
  LogMill,
  logPath,
  openNow,
  READINGS,
  type SmallMill,
  writeSmallMill,
} from '../support/log-mill.js';

const METADATA = 63;
const FOUR: SmallMill = { vgroups: 4, level: 'sync', end: 'clean' };

/** Opens a mill whose files were changed; it must refuse, naming a file and offset, and touch nothing. */
function refusal(disk: SimulatedStorage): CorruptLogError {
  const before = bytesOf(disk);
  const { error } = openNow(disk);
  if (!(error instanceof CorruptLogError)) throw new Error('it should be refused', { cause: error });
  expect(changed(before, bytesOf(disk))).toEqual([]);
  return error;
}

function withFile(storage: SimulatedStorage, path: string, bytes: Uint8Array): SimulatedStorage {
  const disk = storage.kill();
  disk.replace(path, bytes);
  return disk;
}

describe('a log file that is not the one it should be', () => {
  let storage: SimulatedStorage;
  let other: SimulatedStorage;
  beforeAll(async () => {
    ({ storage } = await knownMill(FOUR));
    ({ storage: other } = await knownMill({ ...FOUR, seed: 2 }));
  });

  it.each([0, 3, METADATA])('missing: %i', (participant) => {
    const disk = storage.kill();
    disk.remove(logPath(participant)).subscribe();
    const error = refusal(disk);
    expect(error).toMatchObject({ path: logPath(participant), offset: 0 });
    expect(error.message).toContain('missing');
  });

  it.each([
    [0, 1],
    [1, 0],
    [2, METADATA],
    [METADATA, 2],
  ])('of another participant: %i has that of %i', (participant, of) => {
    const disk = withFile(storage, logPath(participant), storage.contents(logPath(of)));
    expect(refusal(disk)).toMatchObject({ path: logPath(participant), offset: 0 });
  });

  it('swapped between two VGroups', () => {
    const disk = withFile(storage, logPath(0), storage.contents(logPath(1)));
    disk.replace(logPath(1), storage.contents(logPath(0)));
    expect([logPath(0), logPath(1)]).toContain(refusal(disk).path);
  });

  it.each([0, METADATA])('of another mill: %i', (participant) => {
    const disk = withFile(storage, logPath(participant), other.contents(logPath(participant)));
    const error = refusal(disk);
    expect(error).toMatchObject({ path: logPath(participant), offset: 0 });
    expect(error.message).toContain('another mill');
  });

  it.each([
    ['empty', () => new Uint8Array(0)],
    ['shorter than a header', () => new Uint8Array(63)],
    ['zeros', () => new Uint8Array(4096)],
    ['something else', () => Buffer.from('a text that is long enough to be a header, and says something else.\n')],
  ])('%s', (_, make) => {
    for (const participant of [0, METADATA]) {
      expect(refusal(withFile(storage, logPath(participant), make()))).toMatchObject({
        path: logPath(participant),
        offset: 0,
      });
    }
  });

  it('of a later format: says so, and is not called damaged', async () => {
    const hash = await hashing();
    const bytes = Buffer.from(storage.contents(logPath(0)));
    bytes.writeUInt32LE(2, 8);
    bytes.writeBigUInt64LE(hash(bytes.subarray(0, 56)), 56);
    const disk = withFile(storage, logPath(0), bytes);
    const before = bytesOf(disk);
    expect(openNow(disk).error).toMatchObject({ code: 'UNSUPPORTED_VERSION', path: logPath(0) });
    expect(changed(before, bytesOf(disk))).toEqual([]);
  });
});

describe('an older copy of a log file put back', () => {
  /** Opens the mill again, writes to every VGroup, and closes it: what was before is old then. */
  async function secondSession(about: SmallMill): Promise<{ old: SimulatedStorage; storage: SimulatedStorage }> {
    const old = await writeSmallMill(about);
    const disk = old.kill();
    const log = new LogMill(disk, { walLevel: about.level });
    const readings = log.mill.stream('readings', { schema: READINGS });
    await log.until(log.mill.start());
    const events = Array.from({ length: 32 }, (_, at) => ({ ts: EPOCH, device: `device ${at}`, value: at }));
    await log.until(readings.appendMany(events));
    await log.until(log.mill.close());
    return { old, storage: disk.kill() };
  }

  it.each<[SmallMill, readonly number[]]>([
    [{ vgroups: 1, level: 'sync', end: 'clean' }, [0, METADATA]],
    [{ vgroups: 1, level: 'flush', end: 'unclean' }, [0, METADATA]],
    [{ vgroups: 4, level: 'flush', end: 'clean' }, [0, 1, 2, 3, METADATA]],
  ])('is refused: %j, participant by participant', async (about, participants) => {
    const { old, storage } = await secondSession(about);
    expect(openNow(storage.kill()).recovered?.log.clean).toBe(true);
    for (const participant of participants) {
      const error = refusal(withFile(storage, logPath(participant), old.contents(logPath(participant))));
      expect(error.path).toBe(logPath(participant));
    }
  });

  it('is not noticed where all of them are old: then it is the older mill', async () => {
    const { old, storage } = await secondSession({ vgroups: 1, level: 'sync', end: 'clean' });
    const disk = storage.kill();
    for (const [path, bytes] of bytesOf(old)) disk.replace(path, bytes);
    expect(openNow(disk).recovered?.log).toMatchObject({ clean: true, commit: 8 });
  });
});

import { CorruptLogError } from '../../src/errors.js';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import type { Hash } from '../../src/wal/hash.js';
import { type LogFile, prepareLogFile } from '../../src/wal/log-file.js';
import { finishNames, openLogs, openParticipant } from '../../src/wal/open-logs.js';
import { now } from '../support/log-files.js';
import { bytesOf, hashing, randomOf } from '../support/log-mill.js';

const FOLDER = '/mill/vgroup-00';
const DATABASE_ID = randomOf(3).bytes(16);

let hash: Hash;
beforeAll(async () => {
  hash = await hashing();
});

/** The numbers of the files in the folder of VGroup 0, by their names. */
type Names = Partial<Record<'current' | 'checkpoint' | 'next', number>>;

function diskWith(names: Names): SimulatedStorage {
  const storage = new SimulatedStorage();
  storage.replace(`${FOLDER}/x`, new Uint8Array(0));
  storage.remove(`${FOLDER}/x`).subscribe();
  // `next` last: it is what files are prepared as.
  for (const name of ['current', 'checkpoint', 'next'] as const) {
    const fileNumber = names[name];
    if (fileNumber === undefined) continue;
    now(prepareLogFile(storage, FOLDER, { databaseId: DATABASE_ID, participant: 0, fileNumber }, 100, hash));
    if (name !== 'next') now(storage.rename(`${FOLDER}/next.wal`, `${FOLDER}/${name}.wal`));
  }
  return storage;
}

function open(storage: SimulatedStorage, fileNumber: number, opened: LogFile[] = []) {
  const place = { storage, directory: '/mill', hash };
  return now(openParticipant(place, { databaseId: DATABASE_ID, participant: 0, fileNumber }, opened));
}

describe('the log files of a participant', () => {
  it.each<[string, Names, number, number[], string]>([
    ['a log', { current: 1 }, 1, [1], 'nothing'],
    ['with the next file prepared', { current: 4, next: 5 }, 4, [4], 'nothing'],
    ['with a next file of an earlier preparation', { current: 4, next: 4 }, 4, [4], 'nothing'],
    ['between rotation and manifest', { checkpoint: 4, current: 5 }, 4, [4, 5], 'nothing'],
    ['… and with the next file prepared again', { checkpoint: 4, current: 5, next: 6 }, 4, [4, 5], 'nothing'],
    ['in the middle of a rotation', { checkpoint: 4, next: 5 }, 4, [4, 5], 'rotation'],
    ['after the manifest, before the old file went', { checkpoint: 4, current: 5 }, 5, [5], 'retirement'],
    ['… and with the next file prepared already', { checkpoint: 4, current: 5, next: 6 }, 5, [5], 'retirement'],
    ['a checkpoint file of long ago, that could not be removed', { checkpoint: 2, current: 5 }, 5, [5], 'retirement'],
  ])('are found: %s', (_, names, needed, numbers, unfinished) => {
    const storage = diskWith(names);
    const before = bytesOf(storage);
    const log = open(storage, needed);
    expect(log.files.map(({ header }) => header.fileNumber)).toEqual(numbers);
    expect(log.unfinished).toBe(unfinished);
    expect(bytesOf(storage)).toEqual(before);
    now(finishNames({ storage, directory: '/mill', hash }, [log]));
    // Then nothing is left to be done, durably.
    const again = open(storage.crash(), needed);
    expect(again.files.map(({ header }) => header.fileNumber)).toEqual(numbers);
    expect(again.unfinished).toBe('nothing');
  });

  it.each<[string, Names, number, string, string]>([
    ['no file', {}, 1, 'current.wal', 'is missing'],
    ['only the next one', { next: 5 }, 5, 'current.wal', 'is missing'],
    ['only the one before', { checkpoint: 4 }, 4, 'current.wal', 'is missing'],
    ['the file before the current one is missing', { current: 5 }, 4, 'checkpoint.wal', 'is missing'],
    [
      'the current one is too old',
      { current: 3 },
      4,
      'current.wal',
      'is log file number 3, but the log continues in number 4',
    ],
    ['the current one is too new', { checkpoint: 5, current: 6 }, 4, 'current.wal', 'is log file number 6'],
    ['the one before is another', { checkpoint: 3, current: 5 }, 4, 'checkpoint.wal', 'is log file number 3'],
    ['the one before is the current one once more', { checkpoint: 5, current: 5 }, 4, 'checkpoint.wal', 'number 5'],
    ['half rotated, but already in the manifest', { checkpoint: 4, next: 5 }, 6, 'next.wal', 'is log file number 5'],
  ])('are refused, and nothing is touched: %s', (_, names, needed, name, message) => {
    const storage = diskWith(names);
    const before = bytesOf(storage);
    const opened: LogFile[] = [];
    let error: unknown;
    try {
      open(storage, needed, opened);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(CorruptLogError);
    expect(error).toMatchObject({ path: `${FOLDER}/${name}` });
    expect((error as Error).message).toContain(message);
    expect(bytesOf(storage)).toEqual(before);
    // What was opened is known, and can be closed.
    expect(opened).toHaveLength(storage.openFiles);
  });

  it('are opened one participant after the other, up to the first that is refused', () => {
    const storage = diskWith({ current: 1 });
    const opened: LogFile[] = [];
    const identities = [0, 1].map((participant) => ({ databaseId: DATABASE_ID, participant, fileNumber: 1 }));
    const place = { storage, directory: '/mill', hash };
    storage.replace('/mill/vgroup-01/x', new Uint8Array(0));
    expect(() => now(openLogs(place, identities, opened))).toThrow('/mill/vgroup-01/current.wal is missing');
    expect(opened.map(({ participant }) => participant)).toEqual([0]);
  });
});

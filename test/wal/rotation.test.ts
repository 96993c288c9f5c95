import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { createMill, participantsOf } from '../../src/streams/create.js';
import { METADATA } from '../../src/wal/format.js';
import type { Hash } from '../../src/wal/hash.js';
import { type LogFile, logDirectory } from '../../src/wal/log-file.js';
import { finishNames, openLogs, type ParticipantLog } from '../../src/wal/open-logs.js';
import { type LogPlace, prepareNext, retireFiles, rotateNames, undoRotation } from '../../src/wal/rotation.js';
import { now } from '../support/log-files.js';
import { hashing, randomOf } from '../support/log-mill.js';

const DATABASE_ID = randomOf(3).bytes(16);
const PARTICIPANTS = participantsOf(2);

let hash: Hash;
beforeAll(async () => {
  hash = await hashing();
});

/** A new mill of two VGroups, with its log files open. */
function newMill(seed = 0): { place: LogPlace; storage: SimulatedStorage; files: readonly LogFile[] } {
  const storage = new SimulatedStorage({ seed });
  storage.replace('/mill/LOCK', new Uint8Array(0));
  now(createMill(storage, '/mill', { databaseId: DATABASE_ID, vgroups: 2, logFileBytes: 128 }, hash));
  const place = { storage, directory: '/mill', hash };
  return { place, storage, files: currentOf(opened(place)) };
}

function opened(place: LogPlace, fileNumber = 1): readonly ParticipantLog[] {
  const identities = PARTICIPANTS.map((participant) => ({ databaseId: DATABASE_ID, participant, fileNumber }));
  return now(openLogs(place, identities, []));
}

const currentOf = (logs: readonly ParticipantLog[]) => logs.map(({ files }) => files.at(-1)!);
const numbersOf = (logs: readonly ParticipantLog[]) =>
  logs.map(({ files }) => files.map(({ header }) => header.fileNumber));

/** The names in the folder of each participant. */
function namesIn(storage: SimulatedStorage): string[][] {
  return PARTICIPANTS.map((participant) =>
    storage
      .paths()
      .filter((path) => path.startsWith(`/mill/${logDirectory(participant)}/`))
      .map((path) => path.split('/').at(-1)!)
      .sort(),
  );
}

const each = <T>(...values: T[]) => PARTICIPANTS.map(() => values);

describe('preparing the next log files', () => {
  it('makes them zero-filled, with the next number, as long as asked, beside the current ones', () => {
    const { place, storage, files } = newMill();
    const next = now(prepareNext(place, files, (participant) => (participant === METADATA ? 100 : 1_000)));
    expect(next.map(({ participant, header, end }) => [participant, header.fileNumber, end])).toEqual(
      PARTICIPANTS.map((participant) => [participant, 2, 64]),
    );
    expect(namesIn(storage)).toEqual(each('current.wal', 'next.wal'));
    expect(storage.contents('/mill/vgroup-01/next.wal')).toHaveLength(1_000);
    expect(Buffer.from(storage.contents('/mill/metadata/next.wal').subarray(64))).toEqual(Buffer.alloc(36));
  });

  it('writes anew what an earlier one left', () => {
    const { place, storage, files } = newMill();
    storage.replace('/mill/vgroup-00/next.wal', Buffer.alloc(5_000, 7));
    const next = now(prepareNext(place, files, () => 200));
    expect(next[0]!.header.fileNumber).toBe(2);
    expect(storage.contents('/mill/vgroup-00/next.wal')).toHaveLength(200);
  });

  it('that fails leaves nothing open', () => {
    for (let nth = 1; ; nth++) {
      const { place, storage, files } = newMill();
      const before = storage.openFiles;
      storage.failAt({ nth, code: 'EIO' });
      try {
        now(prepareNext(place, files, () => 200));
        break;
      } catch (error) {
        expect(error).toMatchObject({ code: 'EIO' });
        expect(storage.openFiles).toBe(before);
      }
    }
  });
});

describe('a rotation', () => {
  const prepared = (seed = 0) => {
    const mill = newMill(seed);
    const next = now(prepareNext(mill.place, mill.files, () => 200));
    return { ...mill, next };
  };

  it('gives the files their new roles, durably', () => {
    const { place, storage } = prepared();
    now(rotateNames(place, PARTICIPANTS));
    expect(namesIn(storage.crash())).toEqual(each('checkpoint.wal', 'current.wal'));
    expect(numbersOf(opened({ ...place, storage: storage.crash() }))).toEqual(each(1, 2));
  });

  it('after a crash at any operation is found as far as it came, and finished', () => {
    const whole = prepared();
    const before = whole.storage.operations;
    now(rotateNames(whole.place, PARTICIPANTS));
    const last = whole.storage.operations - before;
    const seen = new Set<string>();
    for (let operation = 1; operation <= last; operation++) {
      for (let seed = 0; seed < 8; seed++) {
        const { place, storage } = prepared(seed);
        storage.crashAt(storage.operations + operation);
        rotateNames(place, PARTICIPANTS).subscribe();
        const disk = seed % 2 === 0 ? storage.kill() : storage.crash();
        const logs = opened({ ...place, storage: disk });
        for (const { files, unfinished } of logs) {
          const numbers = files.map(({ header }) => header.fileNumber);
          // The file that is needed is there, and no other before it.
          expect([[1], [1, 2]]).toContainEqual(numbers);
          seen.add(`${numbers.join()} ${unfinished}`);
        }
        now(finishNames({ ...place, storage: disk }, logs));
        for (const names of namesIn(disk.crash()))
          expect([
            // The name of a file that has no frames yet need not be durable.
            ['current.wal'],
            ['current.wal', 'next.wal'],
            ['checkpoint.wal', 'current.wal'],
          ]).toContainEqual(names);
        expect(numbersOf(opened({ ...place, storage: disk.crash() }))).toEqual(numbersOf(logs));
      }
    }
    expect(seen).toEqual(new Set(['1 nothing', '1,2 rotation', '1,2 nothing']));
  });

  it('that fails can be taken back, as far as it came', () => {
    for (let nth = 1; ; nth++) {
      const { place, storage } = prepared();
      storage.failAt({ nth, code: 'EIO' });
      let failure: unknown = null;
      rotateNames(place, PARTICIPANTS).subscribe({
        error: (error) => {
          failure = error;
        },
      });
      if (failure === null) break;
      expect(failure).toMatchObject({ code: 'EIO' });
      now(undoRotation(place, PARTICIPANTS));
      expect(namesIn(storage.crash())).toEqual(each('current.wal', 'next.wal'));
      expect(numbersOf(opened({ ...place, storage: storage.crash() }))).toEqual(each(1));
    }
  });

  it('that is taken back leaves a checkpoint file alone that could not be removed before', () => {
    const { place, storage } = prepared();
    storage.replace('/mill/vgroup-00/checkpoint.wal', Buffer.from('old'));
    storage.failAt({ operation: 'rename', nth: 1, code: 'EIO' });
    expect(() => now(rotateNames(place, [0]))).toThrow(expect.objectContaining({ code: 'EIO' }));
    now(undoRotation(place, [0]));
    expect(Buffer.from(storage.contents('/mill/vgroup-00/checkpoint.wal')).toString()).toBe('old');
    expect(numbersOf(opened(place))).toEqual(each(1));
  });

  it('is over when the old files are retired: closed and removed, durably', () => {
    const { place, storage, files, next } = prepared();
    now(rotateNames(place, PARTICIPANTS));
    now(retireFiles(place, files));
    expect(namesIn(storage.crash())).toEqual(each('current.wal'));
    expect(storage.openFiles).toBe(next.length);
    expect(numbersOf(opened({ ...place, storage: storage.crash() }, 2))).toEqual(each(2));
  });
});

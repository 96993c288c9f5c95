import fc from 'fast-check';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import type { StorageFile } from '../../src/storage/storage.js';
import { create, outcomes, prepare, write } from './crash-support.js';
import { now, text } from './support.js';

describe('a sync that failed', () => {
  const failed = (seed: number, afterwards: (file: StorageFile) => void) => {
    const { storage, file } = prepare('old', seed);
    write(file, 'new');
    storage.failAt({ operation: 'sync', nth: 1, code: 'EIO' });
    expect(() => now(file.sync())).toThrow('EIO');
    afterwards(file);
    expect(text(now(file.read(0, 3)))).toBe('new');
    return storage;
  };

  it('leaves what it covered in doubt, though a later sync succeeds', () => {
    const seen = outcomes((seed) => failed(seed, (file) => now(file.sync())));
    expect(seen).toContain('old');
    expect(seen).toContain('new');
  });

  it('leaves it in doubt over a restart as well', () => {
    const seen = outcomes((seed) => {
      const restarted = failed(seed, () => {}).kill();
      now(now(restarted.open('/file')).sync());
      return restarted;
    });
    expect(seen).toContain('old');
    expect(seen).toContain('new');
  });

  it('is made up for by writing the same again and syncing that', () => {
    const seen = outcomes((seed) =>
      failed(seed, (file) => {
        write(file, 'new');
        now(file.sync());
      }),
    );
    expect(seen).toEqual(new Set(['new']));
  });
});

/** A log in one file: each record is acknowledged once it is durable. The mutants do it wrong. */
type Mutant = 'none' | 'acknowledge before sync' | 'skip the directory sync' | 'retry a failed sync';

function appendRecords(storage: SimulatedStorage, mutant: Mutant): string[] {
  const acknowledged: string[] = [];
  try {
    const file = create(storage, '/log');
    if (mutant !== 'skip the directory sync') now(storage.syncDirectory('/'));
    for (let index = 0; index < 4; index++) {
      const record = `record ${index};`;
      write(file, record, index * record.length);
      if (mutant === 'acknowledge before sync') acknowledged.push(record);
      try {
        now(file.sync());
      } catch (error) {
        if (mutant !== 'retry a failed sync' || storage.dead) throw error;
        now(file.sync());
      }
      if (mutant !== 'acknowledge before sync') acknowledged.push(record);
    }
  } catch {
    // The writer ends at the first failure, or where the storage died.
  }
  return acknowledged;
}

describe('a toy log that is crashed at every operation', () => {
  function losses(mutant: Mutant): number {
    let lost = 0;
    for (let seed = 0; seed < 20; seed++) {
      for (let operation = 1; operation <= 11; operation++) {
        const storage = new SimulatedStorage({ seed: seed * 100 + operation });
        storage.crashAt(operation);
        if (seed % 2) storage.failAt({ operation: 'sync', nth: 1 + (seed % 4), code: 'EIO' });
        const acknowledged = appendRecords(storage, mutant);
        const disk = (seed % 3 ? storage : storage.kill()).crash();
        const found = disk.paths().includes('/log') ? text(disk.contents('/log')) : '';
        if (!found.startsWith(acknowledged.join(''))) lost++;
      }
    }
    return lost;
  }

  it('never loses an acknowledged record', () => {
    expect(losses('none')).toBe(0);
  });

  it.each(['acknowledge before sync', 'skip the directory sync', 'retry a failed sync'] as const)(
    'is caught when it should %s',
    (mutant) => {
      expect(losses(mutant)).toBeGreaterThan(0);
    },
  );
});

/** What a program may rely on: which bytes must be there after a crash, and the length where that is certain. */
class Promises {
  state: ('durable' | 'dirty' | 'doubtful')[] = [];
  lengthCertain = true;
  #lengthDoubtful = false;

  constructor(public contents: number[]) {
    this.state = contents.map(() => 'durable');
  }

  write(position: number, data: Uint8Array): void {
    if (data.length === 0) return;
    if (position + data.length > this.contents.length) this.resize(position + data.length);
    data.forEach((byte, index) => {
      const at = position + index;
      if (this.contents[at] === byte && this.state[at] === 'durable') return;
      this.contents[at] = byte;
      this.state[at] = 'dirty';
    });
  }

  resize(length: number): void {
    this.lengthCertain &&= length === this.contents.length;
    this.contents.length = Math.min(length, this.contents.length);
    this.state.length = this.contents.length;
    // Zeros that nobody wrote hide what a doubtful truncation cut off: it may come back.
    const state = this.#lengthDoubtful ? 'doubtful' : 'dirty';
    while (this.contents.length < length) this.state[this.contents.push(0) - 1] = state;
  }

  sync(succeeds: boolean): void {
    this.state = this.state.map((one) => (one === 'dirty' ? (succeeds ? 'durable' : 'doubtful') : one));
    // A length that a failed sync covered stays in doubt.
    if (!succeeds) this.#lengthDoubtful ||= !this.lengthCertain;
    else this.lengthCertain = !this.#lengthDoubtful;
  }

  check(found: Uint8Array): void {
    if (this.lengthCertain) expect(found.length).toBe(this.contents.length);
    for (const [index, state] of this.state.entries()) {
      if (state === 'durable' && found[index] !== this.contents[index]) {
        throw new Error(`byte ${index} of ${this.contents.length} was promised and is ${found[index]}`);
      }
    }
  }
}

describe('every byte that was last synced and not changed since', () => {
  const position = fc.nat(3000);
  const data = fc.uint8Array({ minLength: 1, maxLength: 1500 });
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ act: fc.constant('write' as const), position, data }) },
    { weight: 1, arbitrary: fc.record({ act: fc.constant('rewrite' as const), position, length: fc.nat(800) }) },
    { weight: 1, arbitrary: fc.record({ act: fc.constant('truncate' as const), position }) },
    {
      weight: 3,
      arbitrary: fc.record({
        act: fc.constantFrom('sync' as const, 'fail' as const, 'kill' as const, 'crash' as const),
      }),
    },
  );

  it('is exact after any crash', () => {
    fc.assert(
      fc.property(fc.nat(), fc.array(step, { maxLength: 25 }), (seed, steps) => {
        let { storage, file } = prepare('', seed);
        let promises = new Promises([]);
        const restart = (next: SimulatedStorage) => {
          storage = next;
          file = now(storage.open('/file'));
        };
        for (const one of [...steps, { act: 'crash' as const }]) {
          if (one.act === 'write') {
            now(file.write([one.data.subarray(0, 700), one.data.subarray(700)], one.position));
            promises.write(one.position, one.data);
          } else if (one.act === 'rewrite') {
            const same = now(file.read(one.position, one.length));
            now(file.write([same], one.position));
            promises.write(one.position, same);
          } else if (one.act === 'truncate') {
            now(file.truncate(one.position));
            promises.resize(one.position);
          } else if (one.act === 'sync') {
            now(file.sync());
            promises.sync(true);
          } else if (one.act === 'fail') {
            storage.failAt({ operation: 'sync', nth: 1, code: 'EIO' });
            expect(() => now(file.sync())).toThrow('EIO');
            promises.sync(false);
          } else if (one.act === 'kill') restart(storage.kill());
          else {
            restart(storage.crash());
            const found = storage.contents('/file');
            promises.check(found);
            promises = new Promises([...found]);
          }
          expect(Buffer.compare(storage.contents('/file'), Uint8Array.from(promises.contents))).toBe(0);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('is so for the same seed in the same way', () => {
    const trial = (seed: number) => {
      let { storage, file } = prepare('x'.repeat(3000), seed);
      const found: string[] = [];
      for (let round = 0; round < 5; round++) {
        write(file, String(round).repeat(1700), round * 300);
        storage = round % 2 ? storage.kill() : storage.crash();
        file = now(storage.open('/file'));
        found.push(text(storage.contents('/file')));
      }
      return found;
    };
    expect(trial(5)).toEqual(trial(5));
    expect(trial(5)).not.toEqual(trial(6));
  });
});

import { firstValueFrom } from 'rxjs';
import { verifyMill } from '../../src/cli/verify/verify.js';
import { Millrace } from '../../src/index.js';
import { ReadOnlyStorage } from '../../src/storage/read-only-storage.js';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { VirtualClock } from '../../src/testing/index.js';
import { loadHash } from '../../src/wal/hash.js';
import { appended, READINGS } from './mills.js';

/** Runs what waits for a clock, until the returned function is called. */
function driven(clock: VirtualClock): () => void {
  const timer = setInterval(() => clock.advanceBy(1), 0);
  return () => clearInterval(timer);
}

/** A short life with checkpoints and a close, on a disk that may die on the way. */
async function live(storage: SimulatedStorage, vgroups: number, scheduler: VirtualClock): Promise<void> {
  const mill = new Millrace('mill', { storage, scheduler, vgroups, logFileBytes: 4096 });
  mill.stream('readings', { schema: READINGS });
  await mill.start();
  for (let at = 1; at < 60; at += 14) {
    await appended(mill, at, at + 13);
    await mill.checkpoint();
  }
  await mill.close();
}

async function damagesOn(storage: SimulatedStorage) {
  // A power cut may take the directory itself.
  if (!(await firstValueFrom(storage.list(''))).includes('mill')) return [];
  const hash = await firstValueFrom(loadHash());
  return (await verifyMill({ storage: new ReadOnlyStorage(storage), directory: 'mill', hash })).damages;
}

describe.each([1, 3])('millrace verify with %d VGroups', (vgroups) => {
  it('finds no damage, wherever the power was cut or the process killed', async () => {
    const whole = new SimulatedStorage();
    const clock = new VirtualClock();
    let release = driven(clock);
    await live(whole, vgroups, clock);
    release();
    expect(await damagesOn(whole)).toEqual([]);
    for (let operation = 3; operation <= whole.operations; operation += 3) {
      const disk = new SimulatedStorage({ seed: operation });
      const clock = new VirtualClock();
      release = driven(clock);
      await new Promise<void>((resolve, reject) => {
        disk.crashAt(operation, resolve);
        live(disk, vgroups, clock).then(resolve, reject);
      });
      release();
      for (const after of [disk.kill(), disk.crash()]) {
        const found = await damagesOn(after);
        if (found.length > 0) throw new Error(`After operation ${operation}: ${JSON.stringify(found)}`);
      }
    }
  }, 60_000);
});

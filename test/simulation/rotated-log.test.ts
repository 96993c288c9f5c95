import { CorruptLogError } from '../../src/index.js';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { Watched } from '../support/simulation-driver.js';
import { openPlain } from '../support/simulation-plain.js';
import { pictureOf } from '../support/simulation-rot.js';

/** No frame vouches for it: the log was rotated, and nothing was written since. */
test('damage to the last commit before a rotation is an error', async () => {
  const first = await openPlain(new SimulatedStorage({ seed: 1 }));
  await first.settled(first.mill.start());
  await first.append(0, 5);
  const checkpoint = new Watched(first.mill.checkpoint());
  await first.driver.until(() => first.disk.history.some((line) => line.endsWith('.arrow')));
  expect(checkpoint.isSettled).toBe(false);
  const disk = first.disk.kill();
  const path = 'plant/vgroup-00/checkpoint.wal';
  const end = disk.contents(path).findLastIndex((byte) => byte !== 0);
  disk.flip(path, end);
  const before = pictureOf(disk);
  const second = await openPlain(disk);
  const error = await second.settled(second.mill.start()).catch((failure: unknown) => failure);
  expect(error).toBeInstanceOf(CorruptLogError);
  expect((error as Error).message).toContain(path);
  expect(pictureOf(second.disk)).toBe(before);
  second.disk.flip(path, end);
  const third = await openPlain(second.disk);
  await third.settled(third.mill.start());
  expect(third.mill.recovery).toMatchObject({ events: 5 });
});

import { lastValueFrom } from 'rxjs';
import { Millrace, type MillraceOptions } from '../../src/index.js';
import type { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { SimulatedCompute } from '../../src/testing/simulated-compute.js';
import { VirtualClock } from '../../src/testing/virtual-clock.js';
import { loadHash } from '../../src/wal/hash.js';
import { Driver, Watched } from './simulation-driver.js';
import { STREAM_KINDS } from './simulation-events.js';

const [readings] = STREAM_KINDS as [(typeof STREAM_KINDS)[0]];

/** A mill with one stream of readings on a copy of a simulated disk, for tests that are too narrow for chance. */
export async function openPlain(from: SimulatedStorage, options: MillraceOptions = {}, retention?: number) {
  await lastValueFrom(loadHash());
  const clock = new VirtualClock(Date.UTC(2024, 0, 1));
  const driver = new Driver(clock);
  const disk = from.kill({ scheduler: clock, latency: 1 });
  const compute = new SimulatedCompute({ scheduler: clock });
  const mill = new Millrace('plant', { storage: disk, scheduler: clock, compute, logFileBytes: 64, ...options });
  const stream = mill.stream(readings.name, {
    schema: readings.schema(1),
    ...(retention !== undefined && { retention }),
  });
  const settled = async <T>(promise: Promise<T>): Promise<T> => {
    const watched = new Watched(promise);
    await driver.until(() => watched.isSettled);
    if (watched.error) throw watched.error;
    if (!watched.isSettled) throw new Error('it never ended');
    return watched.value as T;
  };
  const append = async (firstId: number, count = 1) => {
    for (let id = firstId; id < firstId + count; id++) await settled(stream.append(readings.event(id, 1)));
  };
  return { mill, disk, clock, driver, stream, settled, append, event: (id: number) => readings.event(id, 1) };
}

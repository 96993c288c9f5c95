import type { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { READINGS } from '../support/log-mill.js';
import { events, filesOf, opened } from '../support/stream-checkpoints.js';
import { failure, take } from '../support/stream-mills.js';

describe('a disk that fails under a checkpoint', () => {
  const FAULTS: [string, Parameters<SimulatedStorage['failAt']>[0]][] = [
    ['a segment cannot be written', { operation: 'write', path: /\.arrow$/, nth: 1, code: 'ENOSPC' }],
    ['a segment cannot be synced', { operation: 'sync', path: /\.arrow$/, nth: 1, code: 'EIO' }],
    ['the folder of segments cannot be synced', { operation: 'syncDirectory', path: /segments$/, nth: 1, code: 'EIO' }],
    ['the manifest cannot be written', { operation: 'write', path: /manifest-a/, nth: 1, code: 'ENOSPC' }],
    ['its second copy cannot be written', { operation: 'write', path: /manifest-b/, nth: 1, code: 'ENOSPC' }],
    ['the log cannot be renamed', { operation: 'rename', path: /checkpoint\.wal$/, nth: 1, code: 'EIO' }],
    ['a part of the log cannot be renamed', { operation: 'rename', path: /vgroup-01\/next/, nth: 1, code: 'EIO' }],
    ['the old log cannot be removed', { operation: 'remove', path: /checkpoint\.wal$/, nth: 1, code: 'EIO' }],
  ];

  it.each(FAULTS)('%s: it is told, nothing is lost, appends go on, and the next one succeeds', async (_, fault) => {
    for (const restart of [false, true]) {
      let { log, mill, readings, storage, told } = await opened({ vgroups: 2 });
      await log.until(readings.appendMany(events(20)));
      const before = await log.until(mill.fingerprint());
      storage.failAt(fault);
      expect(await failure(log.until(mill.checkpoint()))).toMatchObject({ code: fault.code });
      expect(told.at(-1)).toMatchObject({ kind: 'failed', error: { code: fault.code }, report: { number: 1 } });
      expect(await log.until(mill.fingerprint())).toBe(before);
      await log.until(readings.appendMany(events(20, 20)));
      if (restart) ({ log, mill, readings, storage } = await opened({}, storage.crash()));
      const later = await log.until(mill.fingerprint());
      expect((await log.until(mill.checkpoint())).steps).toHaveLength(3);
      expect(await log.until(mill.fingerprint())).toBe(later);
      expect(await log.until(take(readings.from('earliest'), 40))).toMatchObject(events(40));
      expect(filesOf(storage, /checkpoint\.wal$/)).toEqual([]);
      await log.until(mill.close());
      const again = await opened({}, storage.crash());
      expect(await again.log.until(again.mill.fingerprint())).toBe(later);
      await again.log.until(again.mill.close());
    }
  });

  it('fails the close, which frees the directory; the log has everything', async () => {
    const { log, mill, readings, storage } = await opened();
    await log.until(readings.appendMany(events(20)));
    const heal = storage.failAt({ operation: 'write', path: /\.arrow$/, nth: 1, times: Infinity, code: 'ENOSPC' });
    expect(await failure(log.until(mill.close()))).toMatchObject({ code: 'ENOSPC' });
    expect(storage.openFiles).toBe(0);
    heal();
    const again = await opened({}, storage.crash());
    // It was closed in order all the same: the log is synced, and says so.
    expect(again.mill.recovery).toMatchObject({ clean: true, events: 20, nextLsn: 21 });
    await again.log.until(again.mill.close());
    expect(filesOf(storage, /\.tmp$/)).toEqual([]);
  });

  it('leaves no segment of a checkpoint that failed', async () => {
    const { log, mill, readings, storage } = await opened();
    const alarms = mill.stream('alarms', { schema: READINGS });
    await log.until(Promise.all([readings.appendMany(events(20)), alarms.appendMany(events(5))]));
    storage.failAt({ operation: 'write', path: /\.arrow$/, nth: 2, code: 'ENOSPC' });
    expect(await failure(log.until(mill.checkpoint()))).toMatchObject({ code: 'ENOSPC' });
    expect(filesOf(storage, /\.arrow$/)).toEqual([]);
    await log.until(mill.checkpoint());
    expect(filesOf(storage, /\.arrow$/)).toHaveLength(2);
    await log.until(mill.close());
  });

  it('that ends the writing leaves what was acknowledged, and the mill can be read', async () => {
    const { log, mill, readings, storage } = await opened({ walLevel: 'flush' });
    await log.until(readings.appendMany(events(20)));
    // A checkpoint syncs the log first.
    storage.failAt({ operation: 'sync', path: /vgroup-00\/current\.wal$/, nth: 1, code: 'EIO' });
    expect(await failure(log.until(mill.checkpoint()))).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    expect(await failure(log.until(mill.checkpoint()))).toMatchObject({ code: 'POISONED' });
    expect(await failure(log.until(readings.append(events(1)[0]!)))).toMatchObject({ code: 'POISONED' });
    expect(await log.until(take(readings.from('earliest'), 20))).toMatchObject(events(20));
    expect(await failure(log.until(mill.close()))).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    expect(storage.openFiles).toBe(0);
    const again = await opened({}, storage.kill());
    expect(await again.log.until(again.readings.count())).toBe(20);
    await again.log.until(again.mill.close());
  });
});

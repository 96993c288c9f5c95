import { lastValueFrom, toArray } from 'rxjs';
import { atLsn } from '../../src/snapshots/row-position.js';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { EVERYTHING } from '../../src/streams/history/filter.js';
import type { StreamHistory } from '../../src/streams/history/stream-history.js';
import { Watched } from '../support/simulation-driver.js';
import { openPlain } from '../support/simulation-plain.js';

/** What simulations, and those who read the code for them, have found; each in its narrowest form. */
describe('reading', () => {
  test('a history without columns has as many rows', async () => {
    const { mill, stream, settled, append } = await openPlain(new SimulatedStorage());
    await settled(mill.start());
    await append(0, 3);
    const rows = await settled(lastValueFrom(stream.history({ columns: [] }).pipe(toArray())));
    expect(rows).toEqual([{}, {}, {}]);
  });

  test('batches give nothing twice and nothing that came later where a checkpoint makes a segment meanwhile', async () => {
    const { mill, stream, settled, append, driver, event } = await openPlain(new SimulatedStorage());
    await settled(mill.start());
    await append(0, 4);
    await settled(mill.checkpoint());
    await append(4, 4);
    // Reads the segment; before it goes on to what is in memory, that is in a segment too, with later events.
    let rows = 0;
    const all = new Promise<void>((resolve, reject) => {
      stream.batches().subscribe({ next: (batch) => (rows += batch.rows), error: reject, complete: resolve });
    });
    const appended = Array.from({ length: 3 }, (_, at) => stream.append(event(8 + at)));
    await driver.until(() => rows > 0);
    await settled(Promise.all(appended));
    await settled(mill.checkpoint());
    await settled(all);
    expect(rows).toBe(8);
  });

  test('a scan that has come into the middle of a block gives the rest of it', async () => {
    const { mill, stream, settled, append } = await openPlain(new SimulatedStorage());
    await settled(mill.start());
    await append(0, 6);
    const { reading } = stream as unknown as { readonly reading: StreamHistory<unknown> };
    const { scan, until } = reading.open({
      filter: EVERYTHING,
      columns: undefined,
      order: 'asc',
      revisions: 'all',
    });
    // As if the first events had been a unit of their own.
    scan.position = atLsn(4);
    await append(6);
    await settled(mill.checkpoint());
    const loaded = await settled(lastValueFrom(scan.nextLoaded(until, false)));
    expect(scan.select(loaded!, 0)).toHaveLength(3);
  });

  test('batches without positions leave out what retention took', async () => {
    const { mill, stream, settled, append, clock, driver } = await openPlain(new SimulatedStorage(), {}, 100);
    await settled(mill.start());
    await append(0, 200);
    await settled(driver.pause(3_000));
    await settled(mill.checkpoint());
    const kept = await settled(lastValueFrom(stream.history().pipe(toArray())));
    const batches = await settled(lastValueFrom(stream.batches({ columns: ['id'] }).pipe(toArray())));
    expect(batches.reduce((sum, { rows }) => sum + rows, 0)).toBe(kept.length);
    expect(kept.length).toBeGreaterThan(0);
    expect(kept.length).toBeLessThan(200);
    expect(clock.now()).toBeGreaterThan(0);
  });

  test('a count in the turn of an event is that of the history there', async () => {
    const { mill, stream, settled, append } = await openPlain(new SimulatedStorage());
    await settled(mill.start());
    await append(0, 2);
    let counted: Promise<number> | null = null;
    stream.subscribe(() => {
      counted ??= stream.count();
    });
    await append(2);
    expect(await settled(counted!)).toBe(2);
    expect(await settled(stream.count())).toBe(3);
  });
});

describe('a mill', () => {
  test('that is poisoned lets go who waited for a checkpoint', async () => {
    const sizes = { checkpointBytes: 300, unsavedBytesMax: 300, commitEventsMax: 1 };
    const { mill, disk, stream, settled, event } = await openPlain(new SimulatedStorage(), sizes);
    await settled(mill.start());
    disk.failAt({ operation: 'sync', path: /segments|current/, nth: 4, times: Number.POSITIVE_INFINITY, code: 'EIO' });
    const appended = Array.from({ length: 20 }, (_, id) => new Watched(stream.append(event(id))));
    const many = new Watched(stream.appendMany(Array.from({ length: 20 }, (_, id) => event(20 + id))));
    await settled(mill.close().catch(() => {}));
    expect([...appended, many].every(({ isSettled }) => isSettled)).toBe(true);
    expect(disk.openFiles).toBe(0);
  });

  test('that closes ends a fingerprint that is being taken, and no file stays open', async () => {
    const { mill, disk, settled, append } = await openPlain(new SimulatedStorage());
    await settled(mill.start());
    for (let round = 0; round < 3; round++) {
      await append(round * 3, 3);
      await settled(mill.checkpoint());
    }
    const contents = new Watched(mill.fingerprint({ positions: false }));
    await settled(mill.close());
    expect(disk.openFiles).toBe(0);
    expect([undefined, 'CLOSED']).toContain((contents.error as { code: string } | null)?.code);
  });
});

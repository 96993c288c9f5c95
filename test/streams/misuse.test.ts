import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type DurableStream,
  float64,
  Millrace,
  type MillraceError,
  type MillraceOptions,
  timestamp,
} from '../../src/index.js';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import {
  asynchronousDisk,
  failure,
  newMill,
  type ReadingRow,
  reading,
  readingSchema,
  startedMill,
  take,
  thrown,
  watch,
} from '../support/stream-mills.js';

describe('the options of a mill', () => {
  it.each<[string, unknown]>([
    ['walLevel', 'SYNC'],
    ['walLevel', 1],
    ['walLevel', null],
    ['vgroups', 0],
    ['vgroups', 64],
    ['vgroups', 1.5],
    ['vgroups', '4'],
    ['vgroups', Number.NaN],
    ['checkpointInterval', ''],
    ['checkpointInterval', 'soon'],
    ['checkpointInterval', '-1m'],
    ['checkpointInterval', 0],
    ['checkpointInterval', -5],
    ['checkpointInterval', Number.NaN],
    ['checkpointInterval', Number.POSITIVE_INFINITY],
    ['commitEventsMax', 0],
    ['commitEventsMax', 2 ** 20 + 1],
    ['commitEventsMax', '100'],
    ['commitBytesMax', 0],
    ['commitBytesMax', 2 ** 30],
    ['logFileBytes', 10],
    ['logFileBytes', 2 ** 31],
    ['appendsWaitingMax', 0],
    ['appendsWaitingMax', Number.POSITIVE_INFINITY],
  ])('%s may not be %p', (name, value) => {
    const error = thrown(() => new Millrace('/mill', { [name]: value }));
    expect(error).toMatchObject({ name: 'MillraceError', code: 'INVALID_OPTION' });
    expect(error.message).toContain(name);
  });

  it.each<MillraceOptions>([
    { walLevel: 'off' },
    { walLevel: 'flush' },
    { vgroups: 63 },
    { checkpointInterval: '1h30m' },
    { checkpointInterval: 1 },
    { commitEventsMax: 1, commitBytesMax: 1, appendsWaitingMax: 1 },
  ])('may be %j', (options) => {
    expect(new Millrace('/mill', options).directory).toBe('/mill');
  });

  it.each([undefined, null, '', 5, {}])('the directory may not be %p', (directory) => {
    expect(thrown(() => new Millrace(directory as never)).code).toBe('INVALID_OPTION');
  });

  it('vgroups is fixed when the mill is made: left out, or the same again', async () => {
    const storage = new SimulatedStorage();
    const { mill } = await startedMill({ storage, vgroups: 3 });
    await mill.close();
    expect(await failure(newMill({ storage, vgroups: 2 }).start())).toMatchObject({ code: 'INVALID_OPTION' });
    for (const vgroups of [undefined, 3]) {
      const again = newMill({ storage, vgroups });
      await again.start();
      await again.close();
    }
  });
});

describe('a mill that is not started', () => {
  const uses: [string, (stream: DurableStream<ReadingRow>) => Promise<unknown>][] = [
    ['append', (stream) => stream.append(reading(1))],
    ['appendMany', (stream) => stream.appendMany([reading(1)])],
    ['appendMany of nothing', (stream) => stream.appendMany([])],
    ['appendColumns', (stream) => stream.appendColumns({ ts: [1], device: ['d'], value: [1] })],
    ['from', (stream) => take(stream.from('earliest'), 1)],
    ['records from a position', (stream) => take(stream.records('earliest'), 1)],
    ['iterate', (stream) => take(stream, 1)],
  ];

  it.each(uses)('refuses to %s, with what to do', async (_, use) => {
    const stream = newMill().stream('readings', { schema: readingSchema });
    const error = await failure(Promise.resolve().then(() => use(stream)));
    expect(error.code).toBe('NOT_STARTED');
    expect(error.message).toContain('await mill.start()');
  });

  it.each(uses)('refuses to %s after close', async (_, use) => {
    const { mill, readings } = await startedMill();
    await mill.close();
    const error = await failure(Promise.resolve().then(() => use(readings)));
    expect(error.code).toBe('CLOSED');
  });

  it('has no metrics and no recovery, but takes subscribers', async () => {
    const mill = newMill();
    const stream = mill.stream('readings', { schema: readingSchema });
    expect(thrown(() => mill.metrics()).code).toBe('NOT_STARTED');
    expect(mill.recovery).toBeNull();
    const seen = watch(stream);
    await mill.start();
    await stream.append(reading(1));
    expect(seen.values).toEqual([reading(1)]);
  });

  it('tells an Observable from a position as an error', () => {
    const stream = newMill().stream('readings', { schema: readingSchema });
    expect(watch(stream.from('earliest'))).toMatchObject({ state: 'failed', error: { code: 'NOT_STARTED' } });
  });
});

describe('a mill that was closed', () => {
  it('completes whoever subscribes afterwards', async () => {
    const { mill, readings } = await startedMill();
    await mill.close();
    expect(watch(readings).state).toBe('completed');
    expect(watch(readings.records()).state).toBe('completed');
    expect(watch(readings.from('earliest'))).toMatchObject({ state: 'failed', error: { code: 'CLOSED' } });
  });

  it('is not started again, and declares nothing', async () => {
    const { mill } = await startedMill();
    await mill.close();
    expect((await failure(mill.start())).code).toBe('CLOSED');
    expect(thrown(() => mill.stream('more', { schema: { ts: timestamp() } })).code).toBe('CLOSED');
    expect(thrown(() => mill.stream('remembered')).code).toBe('CLOSED');
  });
});

describe('declaring and starting', () => {
  it('a name is declared once', async () => {
    const { mill } = await startedMill();
    expect(thrown(() => mill.stream('readings', { schema: readingSchema }))).toMatchObject({
      code: 'NAME_TAKEN',
      stream: 'readings',
    });
  });

  it('a stream that nobody declared is unknown, with the names that are there', async () => {
    const { mill } = await startedMill();
    const error = thrown(() => mill.stream('reading'));
    expect(error).toMatchObject({ code: 'UNKNOWN_STREAM', stream: 'reading' });
    expect(error.message).toContain('readings');
    expect(thrown(() => newMill().stream('any')).code).toBe('NOT_STARTED');
  });

  it('start is called once, also while the first is under way', async () => {
    const mill = newMill();
    const [first, second] = [mill.start(), failure(mill.start())];
    expect((await second).code).toBe('ALREADY_STARTED');
    await first;
    expect((await failure(mill.start())).code).toBe('ALREADY_STARTED');
    await mill.close();
  });

  it('close waits for the start that is under way, also after a second one was refused', async () => {
    const storage = asynchronousDisk();
    const mill = newMill({ storage });
    const started = mill.start();
    void failure(mill.start());
    await mill.close();
    await started;
    await newMill({ storage }).start();
  });

  it('not a position', async () => {
    const { readings } = await startedMill();
    for (const position of ['first', -1, 1.5, Number.NaN, null, {}, 2 ** 53]) {
      expect(thrown(() => readings.from(position as never)).code).toBe('INVALID_ARGUMENT');
      expect(thrown(() => readings.records(position as never)).code).toBe('INVALID_ARGUMENT');
    }
  });
});

describe('a directory', () => {
  it('is held by one mill at a time, on a real disk, within one process too', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'millrace-'));
    const open = (): Millrace => {
      const mill = new Millrace(directory, { logFileBytes: 4096 });
      mill.stream('s', { schema: { ts: timestamp(), v: float64() } });
      return mill;
    };
    const holder = open();
    await holder.start();
    const error: MillraceError = await failure(open().start());
    expect(error).toMatchObject({ code: 'LOCKED', path: directory });
    await holder.close();
    const next = open();
    await next.start();
    await next.close();
    await rm(directory, { recursive: true });
  });

  it('with other files in it is no mill, and is not touched', async () => {
    const storage = new SimulatedStorage();
    storage.replace('/mill/photos.zip', Uint8Array.of(1));
    expect((await failure(newMill({ storage }).start())).code).toBe('NOT_A_MILL');
    expect(storage.paths().filter((path) => !path.endsWith('LOCK'))).toEqual(['/mill/photos.zip']);
  });
});

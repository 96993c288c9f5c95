import { metricOf } from '../../src/cli/monitor/metrics.js';
import { observer } from '../../src/cli/monitor/observer.js';
import { PlainLines } from '../../src/cli/monitor/plain.js';
import { Recorder } from '../../src/cli/monitor/recorder.js';
import { Sampler } from '../../src/cli/monitor/sampler.js';
import { declareStatistics } from '../../src/cli/monitor/statistics.js';
import { declareStreams, type StreamName } from '../../src/cli/monitor/streams.js';
import { minutesOf, tenSecondsOf } from '../../src/cli/monitor/summaries.js';
import { viewOf } from '../../src/cli/monitor/view.js';
import type { Millrace } from '../../src/index.js';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { openDerived } from '../support/derived-mills.js';

const MINUTE = 60_000;
const START = Date.UTC(2024, 0, 1, 12);

function declare(mill: Millrace) {
  const streams = declareStreams(mill);
  return { streams, statistics: declareStatistics(mill, streams) };
}

/** A sample, at a second after the start, of a machine without a disk and a network whose cores are busy by so much. */
function sampleOf(second: number, used: number): [StreamName, object][] {
  const ts = START + second * 1_000;
  return [
    ['cpu', { ts, core: 'all', used }],
    ['load', { ts, one: 1, five: 1, fifteen: 1 }],
    ['memory', { ts, used: 1e9 + second, free: 2e9, rss: 1e8, heap: 1e7 }],
    ['event_loop', { ts, mean: 1, max: second }],
  ];
}

async function open(disk = new SimulatedStorage({ seed: 1 }), start = START) {
  const opened = await openDerived(disk, declare, {}, start);
  const { mill, streams, settled, driver, clock } = opened;
  await settled(mill.start());
  const append = (name: StreamName, row: object) =>
    settled(streams.find((stream) => stream.name === name)!.append(row as never));
  const take = async (second: number, used: number) => {
    for (const [name, row] of sampleOf(second, used)) await append(name, row);
  };
  /** The same, when it is time. */
  const sample = async (second: number, used: number) => {
    const wait = START + second * 1_000 - clock.now();
    if (wait > 0) await settled(driver.pause(wait));
    await take(second, used);
  };
  return { ...opened, append, take, sample };
}

describe('the statistics of the monitor', () => {
  it('are the last ten seconds of each metric, once a second', async () => {
    const { settled, mill, sample, append, statistics } = await open();
    await append('disk', { ts: START, device: 'dm.0', read: 5, written: 7 });
    for (let second = 0; second <= 15; second++) await sample(second, second);
    const { end, summaries } = tenSecondsOf(statistics);
    expect(end).toBe(START + 15_000);
    expect(summaries.map(({ metric }) => metric.label)).toEqual([
      'cpu, all cores',
      'load, 1 min',
      'memory, used',
      'this process, memory',
      'event loop, longest',
      'memory, free',
      'this process, heap',
      'event loop, delay',
    ]);
    expect(summaries[0]).toMatchObject({ last: 14, min: 5, mean: 9.5, max: 14 });
    // What has no values in them any more is not shown, but it is kept.
    expect(await settled(statistics.tenSeconds.latest('disk.dm.0.written'))).toMatchObject({
      end: START + 10_000,
      max: 7,
    });
    await settled(mill.close());
  });

  it('are rolled up by the minute, the open one too, and go on after a crash with what they had', async () => {
    let { settled, disk, clock, mill, sample, statistics } = await open();
    for (let second = 30; second < 150; second += 10) await sample(second, second);
    const found = minutesOf(statistics);
    expect(found).toEqual([
      { start: START + 2 * MINUTE, isOpen: true, samples: 3, values: [130, 140, 1e9 + 130, 140] },
      { start: START + MINUTE, isOpen: false, samples: 6, values: [85, 110, 1e9 + 85, 110] },
      { start: START, isOpen: false, samples: 3, values: [40, 50, 1e9 + 40, 50] },
    ]);
    ({ settled, disk, clock, mill, sample, statistics } = await open(disk.crash(), clock.now()));
    expect(minutesOf(statistics)).toEqual(found);
    await sample(150, 0);
    expect(minutesOf(statistics)[0]).toMatchObject({ isOpen: true, samples: 4, values: [97.5, 140, 1e9 + 135, 150] });
    for (const minute of [3, 4, 5]) await sample(minute * 60, 1);
    const starts = minutesOf(statistics).map(({ start }) => (start - START) / MINUTE);
    expect(starts).toEqual([5, 4, 3, 2]);
    expect(await settled(statistics.perMinute.count())).toBe(5 * 8);
    await settled(mill.close());
  });
});

describe.each(['closed', 'killed', 'killed after a checkpoint'])(
  'a mill that derived nothing yet, and was %s',
  (end) => {
    it('is taken with all its samples', async () => {
      const before = await openDerived(
        new SimulatedStorage({ seed: 1 }),
        (mill) => ({ streams: declareStreams(mill) }),
        {},
        START,
      );
      const { settled, mill, disk } = before;
      await settled(mill.start());
      for (let second = 0; second < 120; second += 10) {
        for (const [name, row] of sampleOf(second, second))
          await settled(before.streams.find((stream) => stream.name === name)!.append(row as never));
        if (second === 60 && end === 'killed after a checkpoint') await settled(mill.checkpoint());
      }
      if (end === 'closed') await settled(mill.close());
      const opened = await open(end === 'closed' ? disk : disk.crash(), START + 2 * MINUTE);
      for (let second = 120; second <= 126; second++) await opened.sample(second, 1);
      const minutes = minutesOf(opened.statistics).map(({ samples, isOpen, values }) => [samples, isOpen, values[1]]);
      expect(minutes).toEqual([
        [7, true, 1],
        [6, false, 110],
        [6, false, 50],
      ]);
      expect(await opened.settled(opened.statistics.perMinute.count())).toBe(2 * 8);
      expect(tenSecondsOf(opened.statistics).end).toBe(START + 126_000);
      await opened.settled(opened.mill.close());
    });
  },
);

describe('what is shown of them', () => {
  const look = ({ mill, statistics }: Awaited<ReturnType<typeof open>>) => {
    const sampler = new Sampler();
    sampler.stop();
    return observer(mill, { dir: '/data', level: 'sync', every: 100 }, new Recorder(sampler, 100), statistics);
  };

  it('fits into any terminal', async () => {
    const opened = await open();
    for (let second = 0; second <= 70; second++) await opened.sample(second, second);
    const shown = { ...look(opened)(), tenSeconds: tenSecondsOf(opened.statistics) };
    for (const [columns, rows] of [
      [80, 24],
      [120, 50],
      [64, 20],
      [40, 24],
      [20, 5],
    ] as const) {
      const texts = viewOf(shown, columns, rows).map(({ text }) => text);
      expect(texts.length).toBeLessThan(rows);
      // The screen clips what is still too long on a narrow one.
      if (columns >= 64) for (const text of texts) expect(text.length).toBeLessThanOrEqual(columns);
    }
    const text = viewOf(shown, 80, 24)
      .map((line) => line.text)
      .join('\n');
    expect(text).toMatch(/^10 seconds to \d\d:01:10 +last +min +avg +max$/m);
    expect(text).toMatch(/^cpu, all cores +69\.0 % +60\.0 % +64\.5 % +69\.0 %$/m);
    expect(text).toMatch(/^minute +samples +cpu +cpu max +memory +loop max$/m);
    expect(text).toMatch(/^\d\d:01, so far +11 +65\.0 % +70\.0 % +954 MiB +70.0 ms$/m);
    expect(text).toMatch(/^\d\d:00 +60 +29\.5 % +59\.0 % +954 MiB +59.0 ms$/m);
    expect(text).toMatch(/^derived: ten_seconds, per_minute, latest, recent_minutes live {3}[\d,]+ entries$/m);
    await opened.settled(opened.mill.close());
  });

  it('says when the newest ones are from long before, and when the clock was set back', async () => {
    const opened = await open();
    for (let second = 0; second <= 5; second++) await opened.sample(second, 1);
    expect(tenSecondsOf(opened.statistics).end).toBe(START + 5_000);
    expect(look(opened)()).toMatchObject({ tenSeconds: null, trouble: null });
    const later = (Date.now() - START) / 1_000 + 3_600;
    await opened.take(later, 1);
    await opened.take(later + 1, 1);
    expect(look(opened)().trouble).toMatch(/^the clock was set back: samples are written, statistics go on when/);
    await opened.settled(opened.mill.close());
  });

  it('has a plain line for each minute that is complete, once', async () => {
    const opened = await open();
    await opened.sample(10, 1);
    await opened.sample(60, 3);
    await opened.sample(70, 3);
    const lookNow = look(opened);
    const lines = new PlainLines(lookNow());
    const told = () => lines.next(lookNow(), START).filter((line) => line.startsWith('minute'));
    expect(told()).toEqual([]);
    await opened.sample(130, 1);
    expect(told()).toEqual([
      'minute 2024-01-01T12:01:00.000Z | 2 samples | cpu 3.0 % | cpu max 3.0 % | memory 954 MiB | loop max 70.0 ms',
    ]);
    expect(told()).toEqual([]);
    await opened.settled(opened.mill.close());
  });

  it('knows metrics by their names', () => {
    expect(metricOf('network.eth0.100.received')).toMatchObject({ label: 'network eth0.100, received', unit: 'rate' });
    expect(['memory.gone', 'nothing.used', 'memory', ''].map(metricOf)).toEqual([null, null, null, null]);
  });
});

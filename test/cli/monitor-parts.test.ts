import { CheckpointWatch } from '../../src/cli/monitor/checkpoint-watch.js';
import { parseDiskCounters, parseNetworkCounters, Rates } from '../../src/cli/monitor/counters.js';
import { clip } from '../../src/cli/monitor/screen.js';
import { derivedInWords, stoppedInWords } from '../../src/cli/monitor/state-words.js';
import { bytesInWords, elapsedInWords, millisecondsInWords } from '../../src/cli/words.js';
import type { DerivedMetrics } from '../../src/streams/status.js';

const DISKS = `
   7       0 loop0 5 0 40 0 0 0 0 0 0 0 0
 259       0 nvme0n1 100 0 2000 0 50 0 1000 0 0 0 0
 259       1 nvme0n1p1 100 0 2000 0 50 0 1000 0 0 0 0
   8       0 sda 1 0 8 0 0 0 0 0 0 0 0
   8       1 sda1 1 0 8 0 0 0 0 0 0 0 0
   8      16 sdb 0 0 0 0 0 0 0 0 0 0 0
 252       0 dm-0 1 0 8 0 1 0 16 0 0 0 0
`;

const NETWORK = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:    3193      29    0    0    0     0          0         0     3193      29    0    0    0     0       0          0
  ifb0:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0
  eth0:338274525   12118    0    0    0     0          0         0  1275446    8792    0    0    0     0       0          0
`;

it('reads whole disks that were used, in bytes', () => {
  expect(parseDiskCounters(DISKS)).toEqual([
    { device: 'nvme0n1', into: 2000 * 512, out: 1000 * 512 },
    { device: 'sda', into: 8 * 512, out: 0 },
    { device: 'dm-0', into: 8 * 512, out: 16 * 512 },
  ]);
});

it('reads network devices that were used', () => {
  expect(parseNetworkCounters(NETWORK)).toEqual([{ device: 'eth0', into: 338_274_525, out: 1_275_446 }]);
});

it('makes rates of counters, but not across a device that is new or began anew', () => {
  const rates = new Rates();
  const counted = (into: number) => [{ device: 'a', into, out: 2 * into }];
  expect(rates.of(counted(1_000), 0)).toEqual([]);
  expect(rates.of(counted(1_500), 100)).toEqual([{ device: 'a', into: 5_000, out: 10_000 }]);
  expect(rates.of(counted(10), 200)).toEqual([]);
  expect(rates.of(counted(20), 300)).toEqual([{ device: 'a', into: 100, out: 200 }]);
});

it('says what became of checkpoints', () => {
  const watch = new CheckpointWatch();
  const told = (kind: 'started' | 'step' | 'completed', steps: number) =>
    watch.told({
      kind,
      report: {
        number: 1,
        cause: 'interval',
        startedAt: 10_000,
        duration: 84,
        steps: Array.from({ length: steps }, () => ({ name: 'rotate' as const, duration: 42 })),
      },
    });
  expect(watch.inWords(9_000)).toBe('no checkpoint in this run yet');
  told('started', 0);
  expect(watch.inWords(10_010)).toBe('a checkpoint runs');
  told('completed', 3);
  expect(watch.inWords(22_000)).toBe('checkpoint 12s ago (interval, 84.0 ms)');
  // One that had nothing to do.
  told('started', 0);
  told('completed', 0);
  expect(watch.inWords(22_000)).toBe('checkpoint 12s ago (interval, 84.0 ms)');
  const report = { number: 2, cause: 'size' as const, startedAt: 20_000, duration: 1, steps: [] };
  watch.told({ kind: 'failed', report, error: new Error('the disk is full') });
  expect([watch.inWords(22_000), watch.trouble]).toEqual([
    'checkpoint 12s ago (interval, 84.0 ms)',
    'the last checkpoint failed, nothing is lost, and the next one tries again: the disk is full',
  ]);
  told('completed', 3);
  expect(watch.trouble).toBeNull();
});

it('says what derived streams and tables are doing', () => {
  const one = (name: string, more: Partial<DerivedMetrics> = {}): DerivedMetrics => {
    return { name, state: 'live', processedTo: 1_000, states: { '0-fold/folded': 1_500 }, counters: {}, ...more };
  };
  const stopped = { state: 'stopped', lsn: 1_234, cause: new Error('the value is missing') } as const;
  const derived = [one('a'), one('b', { state: 'catchingUp' }), one('c'), one('d', stopped)];
  expect(derivedInWords({ derived })).toEqual([
    'derived: a, c live; b catching up at lsn 1,000; d stopped',
    '6,000 entries',
  ]);
  expect(stoppedInWords(derived)).toBe(
    'd stopped at lsn 1,234; samples are still written, and a restart tries again: the value is missing',
  );
  expect(stoppedInWords([...derived, one('e', stopped)])).toMatch(/^d stopped at lsn 1,234, and 1 more; /);
  expect(stoppedInWords(derived.slice(0, 3))).toBeNull();
});

it.each([
  ['plain', 5, 'plain'],
  ['plain', 3, 'pla'],
  ['日本語', 5, '日本'],
  ['e\u0301tude', 2, 'e\u0301t'],
  ['a\x1b[31mb', 80, 'a?[31mb'],
])('clips %j to %d columns', (text, columns, clipped) => {
  expect(clip(text, columns).clipped).toBe(clipped);
});

it.each([
  [bytesInWords(0), '0 B'],
  [bytesInWords(999), '999 B'],
  [bytesInWords(1_000), '0.98 KiB'],
  [bytesInWords(1_048_576), '1.00 MiB'],
  [millisecondsInWords(0.126), '0.13 ms'],
  [millisecondsInWords(12.34), '12.3 ms'],
  [millisecondsInWords(1_234), '1.23 s'],
  [elapsedInWords(59_999), '59s'],
  [elapsedInWords(3_661_000), '1h 01m 01s'],
])('says %s', (said, expected) => {
  expect(said).toBe(expected);
});

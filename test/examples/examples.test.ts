import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const examples = resolve(__dirname, '../../examples');
const directory = mkdtempSync(join(tmpdir(), 'millrace-examples-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function run(example: string): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(examples, example), join(directory, example)], {
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

describe.each(readdirSync(examples).filter((name) => name.endsWith('.mjs')))('the example %s', (example) => {
  it('runs, and runs again on what it wrote', () => {
    run(example);
    expect(run(example)).not.toBe('');
  });
});

describe('the quick start', () => {
  it('finds in the second run what the first one wrote', () => {
    run('quick-start.mjs');
    const said = run('quick-start.mjs').split('\n');
    const before = Number(/found (\d+) readings/.exec(said[0]!)![1]);
    expect(before).toBeGreaterThanOrEqual(3);
    expect(said.filter((line) => line.startsWith('history: '))).toHaveLength(before + 3);
    expect(said.filter((line) => line.startsWith('live: '))).toHaveLength(3);
    expect(said).toContain('peak of b2: 22.5');
  });
});

/** Runs an example twice, on a directory of its own. */
function runTwice(example: string): string[][] {
  rmSync(join(directory, example), { recursive: true, force: true });
  return [1, 2].map(() => run(example).trimEnd().split('\n'));
}

describe('the sensor rollup', () => {
  it('corrects what came late, and puts aside what came too late', () => {
    const [first, second] = runTwice('sensor-rollup.mjs');
    expect(first).toEqual([
      '0 readings and 0 minutes are there; now come those from 08:00 on',
      'minute     kitchen 08:00  20.75 °C  (readings: 2)',
      'minute     cellar 08:00  11.25 °C  (readings: 2)',
      'corrected  cellar 08:00  11.67 °C  (readings: 3)',
      'minute     kitchen 08:01  21.50 °C  (readings: 1)',
      'minute     kitchen 08:02  22.00 °C  (readings: 1)',
      'too late   cellar 08:00  12.5 °C',
      'what is known now:',
      '           kitchen 08:00  20.75 °C  (readings: 2)',
      '           cellar 08:00  11.67 °C  (readings: 3)',
      '           kitchen 08:01  21.50 °C  (readings: 1)',
      '           kitchen 08:02  22.00 °C  (readings: 1)',
    ]);
    // The minute that was open when the first run ended ends in the second one.
    expect(second!.slice(0, 2)).toEqual([
      '9 readings and 4 minutes are there; now come those from 09:00 on',
      'minute     kitchen 08:14  22.50 °C  (readings: 1)',
    ]);
  });
});

describe('the account balances', () => {
  it('are what the bookings say, in the next run too', () => {
    const [first, second] = runTwice('account-balances.mjs');
    const below = (lines: readonly string[], heading: string) => {
      const from = lines.indexOf(heading) + 1;
      return lines.slice(from, from + 3).map((line) => line.trim().replace(/ +/g, ' '));
    };
    const found = ['alice 70.00 (bookings: 2)', 'bob 5.00 (bookings: 3)', 'carol 25.00 (bookings: 2)'];
    expect(below(first!, 'now:')).toEqual(found);
    expect(below(second!, 'found:')).toEqual(found);
    expect(second!.at(-1)).toBe('times overdrawn so far: 2');
  });
});

describe('the payment fraud', () => {
  it('is found by a join, and blocks an account for the next run too', () => {
    const [first, second] = runTwice('payment-fraud.mjs');
    expect(first).toEqual([
      'payments so far: 0, blocked accounts: none',
      'paid: alice 25',
      'suspicious: bob pays 400 from BR, but logged in from DE',
      'paid: bob 400',
      'suspicious: bob pays 600 from BR, but logged in from DE',
      'paid: bob 600',
      'refused: bob is blocked, 1000 are in doubt',
      'paid: alice 30',
      'blocked accounts: bob',
    ]);
    expect(second![0]).toBe('payments so far: 4, blocked accounts: bob');
    expect(second!.filter((line) => line.startsWith('refused: bob'))).toHaveLength(3);
  });
});

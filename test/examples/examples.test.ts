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
  });
});

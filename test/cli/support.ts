import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MAIN = join(process.cwd(), 'dist/cli/main.js');

export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

const running = new Set<Running>();

/** A command line that runs as its own process, with pipes for its streams. */
export class Running {
  stdout = '';
  stderr = '';
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Ended>;

  constructor(args: readonly string[], input?: string | Buffer) {
    this.child = spawn(process.execPath, [MAIN, ...args], { env: { ...process.env } });
    this.child.stdout.on('data', (bytes) => (this.stdout += String(bytes)));
    this.child.stderr.on('data', (bytes) => (this.stderr += String(bytes)));
    this.ended = new Promise((resolve) =>
      this.child.on('close', (code, signal) => resolve({ code, signal, stdout: this.stdout, stderr: this.stderr })),
    );
    running.add(this);
    this.child.on('close', () => running.delete(this));
    // One that ends before it has read everything is no failure of the test.
    this.child.stdin.on('error', () => {});
    if (input !== undefined) this.child.stdin.end(input);
  }

  /** Waits until stdout matches. */
  async says(pattern: RegExp, timeoutMs = 15_000): Promise<void> {
    const until = Date.now() + timeoutMs;
    while (!pattern.test(this.stdout)) {
      if (Date.now() > until || this.child.exitCode !== null)
        throw new Error(`It did not say ${pattern}, but: ${this.stdout}\n${this.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  kill(signal: NodeJS.Signals): Promise<Ended> {
    this.child.kill(signal);
    return this.ended;
  }
}

export function millrace(...args: string[]): Promise<Ended> {
  const running = new Running(args);
  running.child.stdin.end();
  return running.ended;
}

/** The same, while this process stands still: a mill that it has open writes nothing meanwhile, however long that takes. */
export function millraceMeanwhile(...args: string[]): Pick<Ended, 'code' | 'stdout' | 'stderr'> {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });
  return { code: status, stdout, stderr };
}

/** The objects of NDJSON. */
export function objectsOf(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** A folder that is gone after the test. */
export function useFolder(): {
  path(name: string): string;
  write(name: string, text: string | Buffer): string;
  read(name: string): string;
} {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-cli-'));
  });
  afterEach(async () => {
    // What a failed test has left behind.
    for (const left of running) await left.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  const path = (name: string) => join(folder, name);
  return {
    path,
    write(name, text) {
      writeFileSync(path(name), text);
      return path(name);
    },
    read: (name) => readFileSync(path(name), 'utf8'),
  };
}

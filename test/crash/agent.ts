import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const SCRIPT = join(__dirname, 'agent-process.mjs');

const running = new Set<Agent>();
afterEach(() => Promise.all([...running].map((agent) => agent.kill())));

/** What an agent said: a word and what follows it. */
export type Said = readonly string[];

export interface AgentOptions {
  /** What runs node: `strace` and its arguments, or a shell that sets limits and ends in `exec "$@"`. */
  readonly under?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** A mill in a process of its own; see agent-process.mjs. */
export class Agent {
  readonly said: Said[] = [];
  private readonly child: ChildProcess;
  private readonly ended: Promise<void>;
  private isOver = false;
  private errors = '';
  private wake: () => void = () => {};

  constructor({ under = [], environment = {} }: AgentOptions = {}) {
    if (!existsSync(join(__dirname, '../../dist/index.js')))
      throw new Error('These tests run the built package: npm run build');
    const [program, ...values] = [...under, process.execPath, SCRIPT];
    this.child = spawn(program!, values, { env: { ...process.env, ...environment }, stdio: ['pipe', 'pipe', 'pipe'] });
    this.child.stderr!.on('data', (data) => {
      this.errors += String(data);
    });
    this.child.stdin!.on('error', () => {});
    const lines = createInterface({ input: this.child.stdout! });
    lines.on('line', (line) => {
      this.said.push(line.split(' '));
      this.wake();
    });
    const closed = new Promise<void>((resolve) => lines.on('close', resolve));
    const exited = new Promise<void>((resolve) => this.child.on('close', () => resolve()));
    running.add(this);
    this.ended = Promise.all([closed, exited]).then(() => {
      running.delete(this);
      this.isOver = true;
      this.wake();
    });
  }

  send(command: string, options: object = {}): void {
    this.child.stdin!.write(`${JSON.stringify({ command, ...options })}\n`);
  }

  /** Sends a command and waits for the word that says that it is done. Rejects where the agent says that it failed. */
  async does(command: string, word: string, options: object = {}): Promise<Said> {
    const from = this.said.length;
    this.send(command, options);
    const answer = await this.hears(from, (said) => said[0] === word || said[0] === 'failed');
    if (answer[0] === 'failed') throw new Error(`${command}: ${answer.slice(2).join(' ')}`);
    return answer;
  }

  private async hears(from: number, isIt: (said: Said) => boolean): Promise<Said> {
    for (;;) {
      const found = this.said.slice(from).find(isIt);
      if (found) return found;
      if (this.isOver) throw new Error(`the agent ended: ${this.errors || this.said.slice(-3).join(' | ')}`);
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  /** All that it said with this word first. */
  heard(word: string): Said[] {
    return this.said.filter((said) => said[0] === word);
  }

  /** kill -9; resolves when everything that it said before has arrived. */
  async kill(): Promise<void> {
    // A process that another one runs dies with it only if it is told itself.
    this.child.kill('SIGKILL');
    await this.ended;
  }

  /** Lets it end by itself. */
  async end(): Promise<void> {
    this.child.stdin!.end();
    await this.ended;
  }
}

/** An empty directory, removed after the tests of the file. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-crash-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** The rows that a new process finds: id and lsn, in order. It must say of each that it is what was appended. */
export async function rowsIn(directory: string, options: object = {}): Promise<{ id: number; lsn: number }[]> {
  const agent = new Agent();
  await agent.does('start', 'live', { directory, options });
  await agent.does('read', 'read');
  await agent.does('close', 'closed');
  await agent.end();
  return rowsOf(agent);
}

export function rowsOf(agent: Agent): { id: number; lsn: number }[] {
  return agent.heard('row').map(([, id, lsn, isIntact]) => {
    if (isIntact !== 'true') throw new Error(`event ${id} (lsn ${lsn}) is not what was appended`);
    return { id: Number(id), lsn: Number(lsn) };
  });
}

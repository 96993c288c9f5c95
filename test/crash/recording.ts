import { readFileSync } from 'node:fs';
import { SimulatedDisk } from '../../src/storage/simulated-disk.js';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';

/** What recorder.c wrote down; see there. */
export interface Recorded {
  readonly kind: string;
  readonly path: string;
  readonly other: string;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

export function readRecording(path: string): Recorded[] {
  const log = readFileSync(path);
  const recorded: Recorded[] = [];
  for (let at = 0; at < log.length; ) {
    const end = log.indexOf(10, at);
    const [first, other, offset, length] = log.toString('utf8', at, end).split('\t') as [
      string,
      string,
      string,
      string,
    ];
    const bytes = log.subarray(end + 1, end + 1 + (first[0] === 'W' || first[0] === 'S' ? Number(length) : 0));
    recorded.push({ kind: first[0]!, path: first.slice(2), other, offset: Number(offset), bytes });
    at = end + 1 + bytes.length;
  }
  return recorded;
}

/** A simulated disk on which a real process's operations are done again, so that its power can be cut between any two. */
export class Replay {
  private readonly disk = new SimulatedDisk();
  private readonly directories = new Set<string>();
  /** What each sync that is under way covers. */
  private readonly marks = new Map<string, number>();

  /** The directory below which was recorded; it is there and durable. */
  constructor(directory: string) {
    new SimulatedStorage({}, this.disk).replace(`${directory}/.there`, new Uint8Array(0));
    this.directories.add(directory);
  }

  do({ kind, path, other, offset, bytes }: Recorded): void {
    const { disk } = this;
    if (kind === 'O') disk.fileOrCreate(path, 'open');
    else if (kind === 'M') this.makeDirectory(path);
    else if (kind === 'R') disk.rename(path, other);
    else if (kind === 'W') disk.file(path, 'write').write([bytes], offset, bytes.length);
    else if (kind === 'T') disk.file(path, 'truncate').truncate(offset);
    else if (kind === 'B') this.marks.set(`${offset} ${path}`, this.markOf(path));
    else if (kind === 'E') this.synced(path, this.marks.get(`${offset} ${path}`)!);
  }

  private makeDirectory(path: string): void {
    this.disk.makeDirectory(path);
    this.directories.add(path);
  }

  private markOf(path: string): number {
    return this.directories.has(path) ? this.disk.mark() : this.disk.file(path, 'sync').mark();
  }

  private synced(path: string, mark: number): void {
    if (this.directories.has(path)) this.disk.syncDirectory(path, mark);
    else this.disk.file(path, 'sync').syncUpTo(mark);
  }

  /** What a power cut now would leave. This disk goes on as if nothing had happened. */
  cutPower(seed: number): SimulatedStorage {
    return new SimulatedStorage({ seed }, this.disk).crash();
  }
}

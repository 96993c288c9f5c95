import { SparseBytes } from './simulated-bytes.js';

/**
 * What a change is to the disk: `unsynced` may be lost; `synced` is safe; `doubtful` was covered by a sync that failed, whose
 * pages the system then takes for clean: still readable, but no later sync writes them.
 */
type ChangeState = 'unsynced' | 'doubtful' | 'synced';

/** A write, or a truncation (which changes what lies between the new length and the old one), with what undoes it. */
export interface Change {
  readonly kind: 'write' | 'truncate';
  readonly sequence: number;
  readonly position: number;
  readonly end: number;
  before: Uint8Array;
  readonly lengthBefore: number;
  state: ChangeState;
}

/** A change that is done again on what the disk holds, with the bytes that it wrote. */
export interface Redo {
  readonly change: Change;
  readonly bytes: Uint8Array;
}

/**
 * A file without its name. The bytes are what a reader sees; `changes` are, in order, what the disk may not have yet. A
 * change that was synced after a doubtful one stays in the list, for it holds whatever becomes of the doubtful one.
 */
export class SimulatedFile {
  bytes = new SparseBytes();
  changes: Change[] = [];
  #sequence = 0;

  get length(): number {
    return this.bytes.length;
  }

  /** The first `count` bytes of the chunks. */
  write(chunks: readonly Uint8Array[], position: number, count: number): void {
    if (count === 0) return;
    this.#record('write', position, position + count);
    let at = position;
    for (const chunk of chunks) {
      const part = chunk.subarray(0, position + count - at);
      this.bytes.write(at, part);
      at += part.length;
    }
  }

  truncate(length: number): void {
    this.#record('truncate', length, this.length);
    this.bytes.resize(length);
  }

  /** A sync begins here: it covers what was changed up to now, and that only. */
  mark(): number {
    return this.#sequence;
  }

  syncUpTo(mark: number): void {
    this.#setState(mark, 'synced');
    const kept = this.changes.findIndex((change) => change.state !== 'synced');
    this.changes.splice(0, kept < 0 ? this.changes.length : kept);
  }

  doubtUpTo(mark: number): void {
    this.#setState(mark, 'doubtful');
  }

  /** Other contents, durable at once. */
  replace(bytes: Uint8Array): void {
    this.changes = [];
    this.bytes.resize(0);
    this.bytes.write(0, bytes);
  }

  /** Goes back to what is safely on the disk, and gives what came after, in order. */
  rewind(): Redo[] {
    const later: Redo[] = [];
    for (const change of this.changes.reverse()) {
      const { kind, position, end, before, lengthBefore } = change;
      later.push({ change, bytes: kind === 'write' ? this.bytes.stored(position, end) : before });
      this.bytes.resize(lengthBefore);
      this.bytes.restore(position, before, Math.min(end, lengthBefore));
    }
    this.changes = [];
    return later.reverse();
  }

  clone(): SimulatedFile {
    const copy = new SimulatedFile();
    copy.bytes = this.bytes.clone();
    copy.changes = this.changes.map((change) => ({ ...change }));
    copy.#sequence = this.#sequence;
    return copy;
  }

  /** Flips bits of one byte in what is read as well as in what is on the disk. */
  flip(offset: number, mask: number): void {
    this.bytes.write(offset, Uint8Array.of((this.bytes.read(offset, offset + 1)[0] ?? 0) ^ mask));
    for (const change of this.changes) {
      const index = offset - change.position;
      if (index < 0 || offset >= Math.min(change.end, change.lengthBefore)) continue;
      const before = new Uint8Array(Math.max(change.before.length, index + 1));
      before.set(change.before);
      before[index]! ^= mask;
      change.before = before;
    }
  }

  #record(kind: Change['kind'], position: number, end: number): void {
    const before = this.bytes.stored(position, end);
    const sequence = ++this.#sequence;
    this.changes.push({ kind, sequence, position, end, before, lengthBefore: this.length, state: 'unsynced' });
  }

  #setState(mark: number, state: ChangeState): void {
    for (const change of this.changes) {
      if (change.sequence > mark) break;
      if (change.state === 'unsynced') change.state = state;
    }
  }
}

import { type ColumnLayout, isVariable } from '../../wal/column.js';
import {
  type BlockInfo,
  type JsonKey,
  KEY_BOUND_LENGTH_MAX,
  SAMPLE_LENGTH_MAX,
  SAMPLES_MAX,
} from '../segment-format.js';
import { toJsonKey } from './key-order.js';
import { words } from './raw.js';
import type { StagedBlock } from './staged-block.js';

/** Keys of some rows of a block: those of the rows 0, `every`, 2 × `every`, … */
export interface KeySamples {
  readonly every: number;
  readonly keys: readonly JsonKey[];
}

/** The rows of a block by key: each key has one run of rows. Knows the key columns, which say nothing but that. */
export class KeyRuns {
  /** The rank of each run's key, and where the run begins; the last run ends with the rows. */
  private readonly ranks: number[] = [];
  private readonly starts: number[] = [];
  private readonly texts: readonly (KeyTexts | null)[];

  /** `order` is that of the block. */
  constructor(
    private readonly columns: readonly ColumnLayout[],
    private readonly staged: StagedBlock,
    order: Uint32Array,
  ) {
    if (columns.length > 0) this.findRuns(order);
    this.texts = columns.map(({ type }, column) =>
      isVariable(type) ? new KeyTexts(this.ranks.map((rank) => staged.keys.key(rank)[column] as string)) : null,
    );
  }

  private findRuns(order: Uint32Array): void {
    const { keyRanks } = this.staged;
    let last = -1;
    for (let at = 0; at < order.length; at++) {
      const rank = keyRanks[order[at]!]!;
      if (rank === last) continue;
      last = rank;
      this.ranks.push(rank);
      this.starts.push(at);
    }
  }

  private endOf(run: number): number {
    return this.starts[run + 1] ?? this.staged.rows;
  }

  /** Bytes of a key column's values; 0 for a fixed one. */
  bytesOf(name: string): number {
    const texts = this.texts[this.columns.findIndex((column) => column.name === name)];
    if (!texts) return 0;
    return this.starts.reduce((sum, start, run) => sum + (this.endOf(run) - start) * texts.length(run), 0);
  }

  /** Writes a key column. */
  put(name: string, offsets: Uint8Array | null, values: Uint8Array): void {
    const column = this.columns.findIndex((found) => found.name === name);
    const texts = this.texts[column];
    if (texts) this.putTexts(texts, words(offsets!), values);
    else this.putFixed(column, values);
  }

  private putTexts(texts: KeyTexts, ends: Uint32Array, values: Uint8Array): void {
    let end = 0;
    for (let run = 0; run < this.starts.length; run++) {
      const start = end;
      const length = texts.length(run);
      for (let row = this.starts[run]!; row < this.endOf(run); row++) ends[row + 1] = end += length;
      texts.repeat(run, values, start, end);
    }
  }

  private putFixed(column: number, values: Uint8Array): void {
    const { type } = this.columns[column]!;
    const numbers =
      type === 'int64' ? new BigInt64Array(values.buffer, values.byteOffset, this.staged.rows) : words(values);
    for (let run = 0; run < this.starts.length; run++) {
      const part = this.staged.keys.key(this.ranks[run]!)[column]!;
      if (type !== 'bool') numbers.fill(part as never, this.starts[run]!, this.endOf(run));
      else if (part)
        for (let row = this.starts[run]!; row < this.endOf(run); row++) values[row >> 3]! |= 1 << (row & 7);
    }
  }

  bounds(): Pick<BlockInfo, 'firstKey' | 'lastKey'> {
    const bound = (rank: number | undefined): JsonKey | null => {
      const key = rank === undefined ? null : toJsonKey(this.staged.keys.key(rank));
      return key === null || lengthOf(key) > KEY_BOUND_LENGTH_MAX ? null : key;
    };
    return { firstKey: bound(this.ranks[0]), lastKey: bound(this.ranks.at(-1)) };
  }

  samples(): KeySamples {
    const { rows } = this.staged;
    if (this.ranks.length === 0) return { every: 0, keys: [] };
    for (let every = Math.ceil(rows / SAMPLES_MAX); every < rows || every === 1; every *= 2) {
      const keys = this.sampled(every);
      if (keys !== null) return { every, keys };
    }
    // The keys are too long: a reader looks at all rows.
    return { every: rows, keys: [] };
  }

  /** `null` where they are too long together. */
  private sampled(every: number): JsonKey[] | null {
    const keys: JsonKey[] = [];
    let length = 0;
    for (let row = 0, run = 0; row < this.staged.rows; row += every) {
      while (this.endOf(run) <= row) run++;
      const key = toJsonKey(this.staged.keys.key(this.ranks[run]!));
      keys.push(key);
      if ((length += lengthOf(key)) > SAMPLE_LENGTH_MAX) return null;
    }
    return keys;
  }
}

/** About how long a key is as JSON. */
function lengthOf(key: JsonKey): number {
  return key.reduce((length: number, part) => length + String(part).length + 3, 2);
}

/** The UTF-8 bytes of one key column's text, for each run. */
class KeyTexts {
  private readonly bytes: Buffer;
  private readonly ends: Uint32Array;

  constructor(texts: readonly string[]) {
    this.bytes = Buffer.allocUnsafeSlow(texts.reduce((sum, text) => sum + text.length * 3, 0));
    this.ends = new Uint32Array(texts.length + 1);
    let end = 0;
    for (const [run, text] of texts.entries()) this.ends[run + 1] = end += this.bytes.write(text, end);
  }

  length(run: number): number {
    return this.ends[run + 1]! - this.ends[run]!;
  }

  /** Writes a run's text again and again, from `start` to `end`; twice as much each time. */
  repeat(run: number, target: Uint8Array, start: number, end: number): void {
    const length = this.length(run);
    if (length === 0) return;
    target.set(this.bytes.subarray(this.ends[run], this.ends[run + 1]), start);
    for (let done = length; start + done < end; done *= 2) {
      target.copyWithin(start + done, start, Math.min(start + done, end - done));
    }
  }
}

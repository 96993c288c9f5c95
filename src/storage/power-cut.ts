import type { SparseBytes } from './simulated-bytes.js';
import type { Change, Redo, SimulatedFile } from './simulated-file.js';

/** What a disk writes as a whole. */
export const SECTOR_BYTES = 512;

const NOISE_BYTES = 8192;

/**
 * What a power cut leaves of the changes that were not synced, by chance: each write is kept, dropped, torn (any sectors of
 * it) or garbled (sectors of anything). Each cut has its own temper, so that "all kept" and "nothing kept" come up too.
 *
 * Sectors are whole: a byte that was safely on the disk and is written again with the same value cannot be hurt, for the disk
 * would write what is there already. (Recovery relies on it when it writes frames again in place.)
 */
export class PowerCut {
  readonly #random: () => number;
  readonly #keepShare: number;
  readonly #damageShare: number;
  #noise: Uint8Array | undefined;

  constructor(random: () => number) {
    this.#random = random;
    this.#keepShare = this.#share();
    this.#damageShare = this.#share();
  }

  /** 0 and 1 themselves are as likely as one in eight each. */
  #share(): number {
    return Math.min(1, Math.max(0, this.#random() * 1.33 - 0.165));
  }

  /** A whole number from 0 to `count` inclusive. */
  upTo(count: number): number {
    return Math.floor(this.#random() * (count + 1));
  }

  coin(): boolean {
    return this.#random() < 0.5;
  }

  /** Leaves in the file what the disk kept of it. */
  cut(file: SimulatedFile): void {
    if (file.changes.length === 0) return;
    for (const redo of file.rewind()) {
      if (redo.change.state === 'synced' || this.#random() < this.#keepShare) keep(file.bytes, redo);
      else if (redo.change.kind === 'write') this.#losePart(file.bytes, redo);
    }
  }

  #losePart(disk: SparseBytes, { change, bytes }: Redo): void {
    const lengthBefore = disk.length;
    // The length is metadata: it may come through without the data, or fall short of it.
    disk.resize(this.#lengthKept(disk.length, change));
    if (this.#random() >= this.#damageShare) return;
    const garble = this.coin();
    const last = Math.min(change.end, disk.length);
    for (let from = change.position; from < last; ) {
      const to = Math.min(last, sectorEnd(from));
      if (this.coin()) {
        const sector = sectorOf(bytes, from - change.position, to - from);
        disk.write(from, garble && this.coin() ? this.#garbled(disk, lengthBefore, from, sector) : sector);
      }
      from = to;
    }
  }

  #lengthKept(length: number, { position, end }: Change): number {
    if (end <= length) return length;
    const roll = this.upTo(3);
    if (roll === 0) return length;
    if (roll > 1) return end;
    const from = Math.max(position, length);
    const sectors = Math.ceil((end - from) / SECTOR_BYTES);
    return Math.min(end, sectorEnd(from + this.upTo(sectors - 1) * SECTOR_BYTES));
  }

  /** Noise or zeros, but not where the disk has the right byte already. */
  #garbled(disk: SparseBytes, lengthBefore: number, from: number, sector: Uint8Array): Uint8Array {
    const old = disk.read(from, from + sector.length);
    this.#noise ??= Uint8Array.from({ length: NOISE_BYTES }, () => this.upTo(255));
    const noiseAt = this.coin() ? this.upTo(NOISE_BYTES - SECTOR_BYTES) : -1;
    return old.map((byte, index) => {
      if (from + index < lengthBefore && byte === sector[index]) return byte;
      return noiseAt < 0 ? 0 : this.#noise![noiseAt + index]!;
    });
  }
}

function keep(disk: SparseBytes, { change, bytes }: Redo): void {
  if (change.kind === 'truncate') disk.resize(change.position);
  else disk.restore(change.position, bytes, change.end);
}

function sectorEnd(position: number): number {
  return (Math.floor(position / SECTOR_BYTES) + 1) * SECTOR_BYTES;
}

function sectorOf(bytes: Uint8Array, from: number, length: number): Uint8Array {
  const sector = new Uint8Array(length);
  sector.set(bytes.subarray(from, from + length));
  return sector;
}

/** How many of `count` bytes from `position` are written when a write stops at a sector's edge: none, some or all. */
export function sectorPrefix(position: number, count: number, random: () => number): number {
  const sectors = Math.ceil((position + count) / SECTOR_BYTES) - Math.floor(position / SECTOR_BYTES);
  const written = Math.floor(random() * (sectors + 1));
  return written === 0 ? 0 : Math.min(count, sectorEnd(position + (written - 1) * SECTOR_BYTES) - position);
}

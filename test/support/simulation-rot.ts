import type { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { FILE_HEADER_BYTES, FRAME_HEADER_BYTES } from '../../src/wal/format.js';
import { type FrameHeader, readHeader } from '../../src/wal/frame.js';
import type { Dice } from './simulation-dice.js';

/** Where the frames of a log file end, where the last of them begins, and its header. */
function framesIn(bytes: Uint8Array) {
  let last: FrameHeader | null = null;
  let lastFrom = FILE_HEADER_BYTES;
  let end = FILE_HEADER_BYTES;
  while (end + FRAME_HEADER_BYTES <= bytes.length) {
    const header = readHeader(bytes, end);
    if (header === null) break;
    last = header;
    lastFrom = end;
    end += FRAME_HEADER_BYTES + header.bodyLength;
  }
  return { last, lastFrom, end };
}

/** How many commits before the last frame of the metadata log, a mark, it does not say to be durable. */
export function unvouched(disk: SimulatedStorage, directory: string): number {
  const { last } = framesIn(disk.contents(`${directory}/metadata/current.wal`));
  return last === null ? 0 : last.commit - 1 - last.durable;
}

/** The segments on a disk, and those of them that the manifest names. */
export function segmentsOn(disk: SimulatedStorage, directory: string) {
  const all = disk.paths().filter((path) => path.startsWith(`${directory}/segments/`));
  const manifest = Buffer.from(disk.contents(`${directory}/manifest-a.json`)).toString();
  const numbers = new Set([...manifest.matchAll(/"number":(\d+)/g)].map(([, number]) => Number(number)));
  return { all, named: all.filter((path) => numbers.has(Number.parseInt(path.slice(path.lastIndexOf('/') + 1), 10))) };
}

/** A place in a log file of a mill that was closed in order. */
export interface Spot {
  readonly path: string;
  readonly offset: number;
  readonly mask: number;
}

/** A bit that the closed mark vouches for: any but those of the mark itself, which is the last frame of the metadata log. */
export function drawProvenSpot(dice: Dice, disk: SimulatedStorage, directory: string): Spot {
  const spots = disk
    .paths()
    .filter((path) => path.startsWith(`${directory}/`) && path.endsWith('/current.wal'))
    .map((path) => {
      const { lastFrom, end } = framesIn(disk.contents(path));
      return { path, end: path.endsWith('/metadata/current.wal') ? lastFrom : end };
    });
  const { path, end } = dice.pick(spots);
  return { path, offset: dice.between(0, end - 1), mask: 1 << dice.between(0, 7) };
}

/** Every file with its contents, to compare. */
export function pictureOf(disk: SimulatedStorage): string {
  return disk
    .paths()
    .filter((path) => !path.endsWith('/LOCK'))
    .map((path) => `${path} ${Buffer.from(disk.contents(path)).toString('base64')}`)
    .join('\n');
}

import { inspect } from 'node:util';
import { CorruptLogError } from '../../src/errors.js';
import type { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import type { RecoveredMill } from '../../src/streams/start.js';
import { bytesOf, checkpointPath, hashing, logPath, openNow, type SmallMill, writeSmallMill } from './log-mill.js';
import { type Expectation, expectation, type KnownFile, knownFile, type Refused, type Survives } from './log-oracle.js';

const METADATA = 63;

/** The mills whose files are damaged: one and four VGroups, both levels, both ends, before and after checkpoints. */
export const MILLS: readonly SmallMill[] = [
  { vgroups: 1, level: 'sync', end: 'clean' },
  { vgroups: 1, level: 'flush', end: 'unclean' },
  { vgroups: 4, level: 'sync', end: 'unclean' },
  { vgroups: 4, level: 'flush', end: 'clean' },
  { vgroups: 1, level: 'sync', end: 'clean', log: 'two files' },
  { vgroups: 4, level: 'flush', end: 'unclean', log: 'two files' },
  { vgroups: 1, level: 'flush', end: 'unclean', log: 'continued' },
];

/** The name of a table of them, for `describe.each`. */
export const OF_MILLS = '$vgroups VGroups, level $level, $end end, log $log';

/** A small mill, and what it is known to hold. */
export interface KnownMill {
  readonly about: SmallMill;
  readonly storage: SimulatedStorage;
  /** Its log files, of each participant the oldest first. */
  readonly files: readonly KnownFile[];
  /** The last commit that its snapshot has. */
  readonly base: number;
  /** Its last commit. */
  readonly commit: number;
}

export async function knownMill(about: SmallMill): Promise<KnownMill> {
  await hashing();
  const storage = await writeSmallMill(about);
  const participants = [...Array(about.vgroups).keys(), METADATA];
  const paths = storage.paths();
  const files = participants.flatMap((participant) =>
    [checkpointPath(participant), logPath(participant)]
      .filter((path) => paths.includes(path))
      .map((path) => knownFile(participant, path, Buffer.from(storage.contents(path)))),
  );
  const commits = files.flatMap(({ frames }) => frames.map((frame) => frame.commit));
  return { about, storage, files, base: about.log === 'continued' ? 4 : 0, commit: Math.max(...commits) };
}

/** Where the last frame of a file ends. */
export function endOf({ frames }: KnownFile): number {
  return frames.at(-1)?.end ?? 64;
}

/** Every run takes other bytes, and other bits. */
export const SEED = jest.getSeed();

/**
 * The bytes of a file's header and frames to be damaged one by one: with one VGroup all of them; with four, a third, another
 * one in each run, and always those around the edges.
 */
export function offsetsIn({ about }: KnownMill, file: KnownFile): number[] {
  const edges = [0, 64, ...file.frames.flatMap(({ offset, end }) => [offset, offset + 72, end])];
  const isNear = (offset: number) => edges.some((edge) => Math.abs(edge - offset) <= 1);
  const offsets = Array.from({ length: endOf(file) }, (_, offset) => offset);
  return offsets.filter((offset) => about.vgroups === 1 || isNear(offset) || (offset + Math.abs(SEED)) % 3 === 0);
}

/** The file with one byte changed. */
export function flipped({ bytes }: KnownFile, offset: number, mask: number): Buffer {
  const image = Buffer.from(bytes);
  image[offset]! ^= mask;
  return image;
}

/** The file with bytes put in place of others. */
export function overwritten({ bytes }: KnownFile, offset: number, put: Uint8Array): Buffer {
  const image = Buffer.alloc(Math.max(bytes.length, offset + put.length));
  bytes.copy(image);
  image.set(put, offset);
  return image;
}

/**
 * Opens the mill with some of its log files replaced, and checks that it does exactly what the oracle says. Gives what
 * that was.
 */
export function check(mill: KnownMill, images: ReadonlyMap<string, Buffer>): Expectation {
  const expected = expectation(mill.files, images, mill.base);
  const disk = mill.storage.kill();
  for (const [path, image] of images) disk.replace(path, image);
  const before = bytesOf(disk);
  const { recovered, error } = quickly(() => openNow(disk));
  const after = bytesOf(disk);
  if (expected.kind === 'refused') mustRefuse(expected, error, changed(before, after));
  else mustRecover(mill, expected, recovered, error, before, after);
  return expected;
}

export function checkOne(mill: KnownMill, file: KnownFile, image: Buffer): Expectation {
  return check(mill, new Map([[file.path, image]]));
}

/** Thousands of errors with their stacks would take most of the time. */
function quickly<T>(act: () => T): T {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return act();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

/** Thousands of `expect`s too. */
function must(isSo: boolean, what: string, found?: unknown): void {
  if (!isSo) throw new Error(`It must ${what}, but: ${inspect(found, { depth: 4 })}`);
}

function mustRefuse({ commit, suspects }: Refused, error: unknown, touched: readonly string[]): void {
  const isIt = error instanceof CorruptLogError && suspects.get(error.path ?? '') === error.offset;
  const isOfCommit = isIt && error.commit === (Number.isNaN(commit) ? undefined : commit);
  if (!isOfCommit) must(false, `refuse commit ${commit} at ${inspect(suspects)}`, error);
  must(touched.length === 0, 'touch nothing', touched);
}

function mustRecover(
  mill: KnownMill,
  expected: Survives,
  recovered: RecoveredMill | null,
  error: unknown,
  before: ReadonlyMap<string, Buffer>,
  after: ReadonlyMap<string, Buffer>,
): void {
  const { commit, events, ends } = expected;
  must(recovered !== null, `keep ${commit} commits`, error);
  const { log, logs, apply } = recovered!;
  const cuts = [...ends].filter(([, { cut }]) => cut.length > 0);
  const bytes = cuts.reduce((sum, [, { cut }]) => sum + cut.length, 0);
  const isClean = mill.about.end === 'clean' && commit === mill.commit && bytes === 0;
  must(log.commit === commit && apply.commit === commit, `keep ${commit} commits`, log);
  must(log.commits === commit - mill.base, `replay ${commit - mill.base} commits`, log);
  must(log.events === events, `keep ${events} events`, log);
  must(log.clean === isClean, `say that it is ${isClean ? '' : 'not '}clean`, log);
  must(log.cut.bytes === bytes && log.cut.files.length === cuts.length, `cut ${bytes} bytes`, log);
  must(log.cut.commits >= (bytes > 0 ? 1 : 0), 'count what it cut', log);
  const copies: string[] = [];
  for (const [path, { offset, cut }] of ends) {
    const opened = [...logs.files, ...logs.checkpointFiles].find(({ file }) => file.path === path);
    must(opened?.end === offset, `go on at ${offset} in ${path}`);
    if (cut.length === 0) continue;
    must(after.get(path)!.equals(before.get(path)!.subarray(0, offset)), `cut ${path} at ${offset}`, after.get(path));
    const kept = log.cut.files.find((one) => one.path === path);
    must(kept?.offset === offset && kept.bytes === cut.length, `tell what it cut of ${path}`, kept);
    must(after.get(kept!.copy)?.equals(cut) === true, `keep a copy of what it cut of ${path}`, after.get(kept!.copy));
    copies.push(kept!.copy);
  }
  const touched = [...cuts.map(([path]) => path), ...copies].sort();
  must(changed(before, after).join() === touched.join(), `touch ${touched.join()}`, changed(before, after));
}

/** The paths whose bytes differ. */
export function changed(before: ReadonlyMap<string, Buffer>, after: ReadonlyMap<string, Buffer>): string[] {
  const paths = new Set([...before.keys(), ...after.keys()]);
  return [...paths].filter((path) => !isSame(before.get(path), after.get(path))).sort();
}

function isSame(one: Buffer | undefined, other: Buffer | undefined): boolean {
  return one !== undefined && other !== undefined && one.equals(other);
}

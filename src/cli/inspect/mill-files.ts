import { dirname, join } from 'node:path';
import { describe } from '../../errors.js';
import { leftoversIn } from '../../snapshots/leftovers.js';
import { type FoundManifest, headsOfCopies, isMissing, readManifest } from '../../snapshots/manifest.js';
import { type Storage, StorageError } from '../../storage/storage.js';
import { Catalog } from '../../streams/catalog.js';
import { CUT_DIRECTORY } from '../../wal/cut.js';
import { FILE_HEADER_BYTES, METADATA } from '../../wal/format.js';
import { entriesOf, isEvents } from '../../wal/frame.js';
import type { Hash } from '../../wal/hash.js';
import { CHECKPOINT, CURRENT, logDirectory } from '../../wal/log-file.js';
import { done, namesIn, openForReading } from '../log-files.js';
import { type DerivedFacts, derivedFacts } from './derived-facts.js';
import { recordOf } from './frame-words.js';
import { readHeaderOf } from './header.js';
import { type SegmentFacts, segmentFacts } from './segment-facts.js';
import { walk } from './walk.js';

/** What a path leads to. */
export interface Found {
  /** Log files, in the order in which they are shown. */
  readonly logs: readonly string[];
  /** Of a mill's directory: its manifest, or what is wrong with it. */
  readonly manifest: FoundManifest | string | null;
  readonly segments: readonly SegmentFacts[];
  readonly derived: readonly DerivedFacts[];
  /** What a crash left, or a checkpoint just makes: it belongs to nothing. */
  readonly leftovers: readonly string[];
  /** Copies of what recoveries cut. */
  readonly cuts: readonly string[];
  readonly isMill: boolean;
  /** The streams, as far as they are known: without them, streams are numbers. */
  readonly catalog: Catalog;
}

const LOG_FOLDER = /^(metadata|vgroup-\d\d)$/;
const LOG_FILE = /\.wal$/;
/** So often it is looked again where another process has changed files meanwhile. */
const ATTEMPTS_MAX = 10;

/** Looks at a log file, a folder of log files, or the directory of a mill. @throws StorageError */
export async function findAt(storage: Storage, path: string, hash: Hash): Promise<Found> {
  const names = await namesIn(storage, path);
  if (names === null) return logsOnly(storage, [path], dirname(dirname(path)), hash);
  if (!names.some((name) => LOG_FOLDER.test(name)) && names.some((name) => LOG_FILE.test(name))) {
    const logs = names.filter((name) => LOG_FILE.test(name)).map((name) => join(path, name));
    return logsOnly(storage, logs, dirname(path), hash);
  }
  for (let attempt = 1; ; attempt++) {
    const heads = await done(headsOfCopies(storage, path));
    const found = await findMill(storage, path, hash);
    if (isWhole(found) || attempt === ATTEMPTS_MAX || (await done(headsOfCopies(storage, path))) === heads)
      return found;
  }
}

/** Whether all files that the manifest names are there, as far as they were looked at. */
export function isWhole({ segments, derived }: Pick<Found, 'segments' | 'derived'>): boolean {
  const states = derived.flatMap(({ states, build }) => [...states, ...(build?.states ?? [])]);
  return [...segments, ...states].every(({ fault }) => fault === null);
}

/** Log files of a mill that may be in `directory`, or nowhere. */
async function logsOnly(storage: Storage, logs: readonly string[], directory: string, hash: Hash): Promise<Found> {
  const manifest = await done(readManifest(storage, directory, hash)).catch(() => null);
  const catalog = await catalogOf(storage, directory, manifest, hash);
  return { logs, manifest: null, segments: [], derived: [], leftovers: [], cuts: [], isMill: false, catalog };
}

async function findMill(storage: Storage, path: string, hash: Hash): Promise<Found> {
  const names = (await namesIn(storage, path)) ?? [];
  const logs: string[] = [];
  for (const folder of names.filter((name) => LOG_FOLDER.test(name))) {
    const files = (await namesIn(storage, join(path, folder))) ?? [];
    logs.push(...files.filter((name) => LOG_FILE.test(name)).map((name) => join(path, folder, name)));
  }
  const manifest = await done(readManifest(storage, path, hash)).catch((error) => describe(error));
  const cuts = names.includes(CUT_DIRECTORY) ? ((await namesIn(storage, join(path, CUT_DIRECTORY))) ?? []) : [];
  const segments: SegmentFacts[] = [];
  const known = typeof manifest === 'string' ? null : manifest;
  for (const entry of known?.manifest.segments ?? [])
    segments.push(await segmentFacts(storage, path, known!.manifest, entry));
  return {
    logs,
    manifest,
    segments,
    derived: known === null ? [] : await derivedFacts(storage, path, known.manifest, hash),
    leftovers: known === null ? [] : await done(leftoversIn(storage, path, known.manifest)),
    cuts: cuts.map((name) => join(path, CUT_DIRECTORY, name)),
    isMill: true,
    catalog: await catalogOf(storage, path, known, hash),
  };
}

/** The streams that the manifest knows, and those that came into the metadata log after it, as far as these can be read. */
async function catalogOf(
  storage: Storage,
  directory: string,
  found: FoundManifest | null,
  hash: Hash,
): Promise<Catalog> {
  const catalog = new Catalog(found?.manifest.streams);
  for (const name of [CHECKPOINT, CURRENT])
    await remember(catalog, storage, join(directory, logDirectory(METADATA), name), hash);
  return catalog;
}

async function remember(catalog: Catalog, storage: Storage, path: string, hash: Hash): Promise<void> {
  try {
    const file = await openForReading(storage, path);
    const { sources } = await readHeaderOf(file, hash);
    const size = await done(file.size());
    for (const source of sources.slice(0, 1)) {
      for await (const piece of walk(source, FILE_HEADER_BYTES, size, hash)) {
        if (!('frame' in piece)) continue;
        for (const entry of entriesOf(piece.frame.bytes)) {
          const record = isEvents(entry) ? null : recordOf(entry);
          if (record?.kind === 'stream') catalog.remember(record);
        }
      }
    }
    await done(file.close());
  } catch (error) {
    // A log file that was copied somewhere else has no metadata log beside it.
    if (!isMissing(error) && !(error instanceof StorageError && error.code === 'ENOTDIR')) throw error;
  }
}

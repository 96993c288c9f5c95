import { dirname, join } from 'node:path';
import { describe } from '../../errors.js';
import { type FoundManifest, isMissing, readManifest } from '../../snapshots/manifest.js';
import { type Storage, StorageError } from '../../storage/storage.js';
import { Catalog } from '../../streams/catalog.js';
import { CUT_DIRECTORY } from '../../wal/cut.js';
import { FILE_HEADER_BYTES, METADATA } from '../../wal/format.js';
import { entriesOf, isEvents } from '../../wal/frame.js';
import type { Hash } from '../../wal/hash.js';
import { CURRENT, logDirectory } from '../../wal/log-file.js';
import { done, openForReading } from '../log-files.js';
import { recordOf } from './frame-words.js';
import { readHeaderOf } from './header.js';
import { walk } from './walk.js';

/** What a path leads to. */
export interface Found {
  /** Log files, in the order in which they are shown. */
  readonly logs: readonly string[];
  /** Of a mill's directory: its manifest, or what is wrong with it. */
  readonly manifest: FoundManifest | string | null;
  /** Copies of what recoveries cut. */
  readonly cuts: readonly string[];
  readonly isMill: boolean;
  /** The metadata log that knows the names of the streams. */
  readonly metadata: string;
}

const LOG_FOLDER = /^(metadata|vgroup-\d\d)$/;
const LOG_FILE = /\.wal$/;

/** Looks at a log file, a folder of log files, or the directory of a mill. @throws StorageError */
export async function findAt(storage: Storage, path: string, hash: Hash): Promise<Found> {
  const names = await namesIn(storage, path);
  const metadataBeside = (folder: string) => join(dirname(folder), logDirectory(METADATA), CURRENT);
  const nothing = { manifest: null, cuts: [], isMill: false };
  if (names === null) return { ...nothing, logs: [path], metadata: metadataBeside(dirname(path)) };
  const folders = names.filter((name) => LOG_FOLDER.test(name));
  if (folders.length === 0 && names.some((name) => LOG_FILE.test(name))) {
    const logs = names.filter((name) => LOG_FILE.test(name)).map((name) => join(path, name));
    return { ...nothing, logs, metadata: metadataBeside(path) };
  }
  const logs: string[] = [];
  for (const folder of folders) {
    const files = (await namesIn(storage, join(path, folder))) ?? [];
    logs.push(...files.filter((name) => LOG_FILE.test(name)).map((name) => join(path, folder, name)));
  }
  const manifest = await done(readManifest(storage, path, hash)).catch((error) => describe(error));
  const cuts = names.includes(CUT_DIRECTORY) ? ((await namesIn(storage, join(path, CUT_DIRECTORY))) ?? []) : [];
  return {
    logs,
    manifest,
    cuts: cuts.map((name) => join(path, CUT_DIRECTORY, name)),
    isMill: true,
    metadata: join(path, logDirectory(METADATA), CURRENT),
  };
}

/** `null` where the path is a file. */
async function namesIn(storage: Storage, path: string): Promise<readonly string[] | null> {
  try {
    return await done(storage.list(path));
  } catch (error) {
    if (error instanceof StorageError && error.code === 'ENOTDIR') return null;
    throw error instanceof StorageError ? new StorageError(error.code, 'open', path, error) : error;
  }
}

/** The streams that a metadata log knows, as far as it can be read: without them, streams are numbers. */
export async function catalogFrom(storage: Storage, path: string, hash: Hash): Promise<Catalog> {
  const catalog = new Catalog();
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
  return catalog;
}

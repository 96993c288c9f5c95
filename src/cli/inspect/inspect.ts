import { basename, dirname } from 'node:path';
import { segmentName } from '../../snapshots/live-segment.js';
import { isMissing, readManifest } from '../../snapshots/manifest.js';
import { FileStorage } from '../../storage/file-storage.js';
import { ReadOnlyStorage } from '../../storage/read-only-storage.js';
import type { Storage } from '../../storage/storage.js';
import type { Catalog } from '../../streams/catalog.js';
import { FILE_HEADER_BYTES } from '../../wal/format.js';
import type { ScannedFile } from '../../wal/frame-scanner.js';
import { type Hash, loadHash } from '../../wal/hash.js';
import { NEXT } from '../../wal/log-file.js';
import { done, openForReading } from '../log-files.js';
import type { Output } from '../output.js';
import { EXIT, type ExitCode, InputError } from '../report.js';
import { frameFacts } from './frame-words.js';
import { beginsLikeALog, readHeaderOf } from './header.js';
import { findAt, isWhole } from './mill-files.js';
import { blockFacts, segmentFacts } from './segment-facts.js';
import { stateFileFacts } from './state-file-facts.js';
import { JsonTeller, type Teller, TextTeller } from './tellers.js';
import { type Gap, walk } from './walk.js';

export interface InspectOptions {
  readonly path: string;
  /** How many frames of each file are shown. */
  readonly limit?: number;
  readonly json: boolean;
}

/**
 * Says in words what is in a log file, a segment, a file of state, or all of a mill. It takes no lock and changes nothing, and it goes on
 * behind what it cannot read: damaged files are what it is for.
 */
export async function inspect({ path, limit, json }: InspectOptions, output: Output): Promise<ExitCode> {
  const storage = new ReadOnlyStorage(new FileStorage());
  const hash = await done(loadHash());
  const teller = json ? new JsonTeller(output) : new TextTeller(output);
  if (path.endsWith('.arrow')) return inspectSegment(storage, path, hash, teller, output);
  if (path.endsWith('.state')) return inspectState(storage, path, hash, teller, output);
  const found = await findAt(storage, path, hash);
  if (found.isMill && found.manifest === null && found.logs.length === 0)
    throw new InputError(`${path} is neither a mill nor a log file: it has no manifest and no logs.`);
  if (found.isMill) await teller.mill(path, found);
  let isWell = !found.isMill || (found.manifest !== null && typeof found.manifest !== 'string');
  isWell &&= isWhole(found);
  const show = limit ?? Number.POSITIVE_INFINITY;
  for (const log of found.logs) {
    const isLogWell = await inspectLog(storage, log, found.catalog, hash, show, teller, !found.isMill).catch(
      (error) => {
        // A checkpoint of another process takes files away.
        if (found.isMill && isMissing(error)) return true;
        throw error;
      },
    );
    isWell &&= isLogWell;
    if (output.isGone) break;
  }
  await output.flush();
  return isWell ? EXIT.done : EXIT.partly;
}

/** What the manifest says of a segment, with its blocks. */
async function inspectSegment(
  storage: Storage,
  path: string,
  hash: Hash,
  teller: Teller,
  output: Output,
): Promise<ExitCode> {
  const directory = dirname(dirname(path));
  const found = await done(readManifest(storage, directory, hash));
  const entry = found?.manifest.segments.find(({ number }) => segmentName(number) === basename(path));
  if (!found || entry === undefined) {
    const why = `no manifest in ${directory} names it`;
    throw new InputError(`${path} is no segment of a mill: ${why}. Any tool for Arrow files shows what is in it.`);
  }
  const facts = await segmentFacts(storage, directory, found.manifest, entry);
  await teller.segment(facts, entry.info.blocks.map(blockFacts));
  await output.flush();
  return facts.fault === null ? EXIT.done : EXIT.partly;
}

async function inspectState(
  storage: Storage,
  path: string,
  hash: Hash,
  teller: Teller,
  output: Output,
): Promise<ExitCode> {
  const facts = await stateFileFacts(storage, path, hash);
  await teller.state(facts);
  await output.flush();
  return facts.fault === null ? EXIT.done : EXIT.partly;
}

/** Gives whether everything in the file could be read. */
async function inspectLog(
  storage: Storage,
  path: string,
  catalog: Catalog,
  hash: Hash,
  limit: number,
  teller: Teller,
  mustBeALog: boolean,
): Promise<boolean> {
  const file = await openForReading(storage, path);
  const { facts, sources } = await readHeaderOf(file, hash);
  const source = await sourceThatFits(sources, facts.bytes, hash);
  if (mustBeALog && source === undefined && !beginsLikeALog(await done(file.read(0, FILE_HEADER_BYTES))))
    throw new InputError(`${path} is not a log file of millrace: it does not begin like one, and no frame is in it.`);
  await teller.file(facts);
  let frames = 0;
  let commit: number | null = null;
  let end = FILE_HEADER_BYTES;
  let last: Gap | null = null;
  let isWell = facts.fault === null;
  const used = source ?? sources[0];
  if (used !== undefined) {
    for await (const piece of walk(used, FILE_HEADER_BYTES, facts.bytes, hash)) {
      if ('gap' in piece) {
        last = piece.gap;
        const isEnd = piece.gap.to === facts.bytes;
        isWell &&= isEnd && piece.gap.dirty === null;
        if (!isEnd) await teller.gap(piece.gap);
        continue;
      }
      commit = piece.frame.header.commit;
      end = piece.frame.offset + piece.frame.bytes.length;
      if (frames++ < limit) await teller.frame(frameFacts(piece.frame, catalog));
    }
  }
  const gap = last !== null && last.to === facts.bytes ? last : null;
  await teller.end({ path, frames, unshown: Math.max(0, frames - limit), commit, end, bytes: facts.bytes, gap });
  await done(file.close());
  // A prepared file that is not finished is written anew when it is needed.
  return isWell || (!mustBeALog && basename(path) === NEXT);
}

/** The way of checking under which a frame is valid; `undefined` where there is none at all. */
async function sourceThatFits(
  sources: readonly ScannedFile[],
  size: number,
  hash: Hash,
): Promise<ScannedFile | undefined> {
  for (const source of sources)
    for await (const piece of walk(source, FILE_HEADER_BYTES, size, hash)) if ('frame' in piece) return source;
  return undefined;
}

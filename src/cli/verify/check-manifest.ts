import { MillraceError } from '../../errors.js';
import { type Manifest, type ManifestCopy, newestOf, readCopies } from '../../snapshots/manifest.js';
import { isBefore } from '../../snapshots/row-position.js';
import { endOf, type SegmentInfo, startOf } from '../../snapshots/segment-format.js';
import type { Storage } from '../../storage/storage.js';
import { assertNoLostLogs } from '../../streams/create.js';
import type { LogPlace } from '../../wal/rotation.js';
import { done } from '../log-files.js';
import { numberOf } from '../words.js';
import type { Findings } from './findings.js';

export interface CheckedManifest {
  readonly path: string;
  readonly manifest: Manifest;
  /** Two good copies, equal. */
  readonly isWhole: boolean;
}

/**
 * Reads both copies of the manifest. Gives the one that counts; `null` where there is none to go by.
 *
 * @throws MillraceError `UNSUPPORTED_VERSION`
 */
export async function checkManifest(
  { storage, directory, hash }: LogPlace,
  findings: Findings,
): Promise<CheckedManifest | null> {
  const copies = await findings.attempt(() => done(readCopies(storage, directory, hash)));
  if (copies === null) return null;
  const newest = newestOf(copies);
  for (const copy of copies) checkCopy(copy, newest, findings);
  if (newest === null) {
    if (copies.every(({ fault }) => fault === null)) await checkUnborn(storage, directory, findings);
    return null;
  }
  const { path, manifest } = newest;
  checkStreams(path, manifest, findings);
  checkSegments(path, manifest, findings);
  return { path, manifest, isWhole: copies.every(({ text }) => text === newest.text) };
}

/** Without any manifest there must be no data: then a crash cut the making of the mill short. */
async function checkUnborn(storage: Storage, directory: string, findings: Findings): Promise<void> {
  const before = findings.damages.length;
  await findings.attempt(() => done(assertNoLostLogs(storage, directory)));
  if (findings.damages.length === before)
    findings.notes.push(`${directory} is no mill yet: a crash cut its making short. The next start makes it.`);
}

function checkCopy(
  { path, manifest, text, fault }: ManifestCopy,
  newest: ReturnType<typeof newestOf>,
  findings: Findings,
) {
  const damaged = (what: string) => {
    const todo = newest
      ? `${newest.path} is good: a start of the mill writes this copy again.`
      : 'Put a manifest back from a backup of this directory.';
    findings.damage(new MillraceError('CORRUPT_MANIFEST', `${path} ${what}. ${todo}`, { path, offset: 0 }));
  };
  if (fault !== null) return damaged(fault);
  if (newest === null || text === newest.text) return;
  // The first manifest is written twice, one copy after the other; from then on there are always two.
  if (manifest === null) {
    if (newest.manifest.sequence > 1) return damaged('is missing');
    findings.notes.push(`${path} is not there yet: the mill's first start was cut short. The next one writes it.`);
  } else if (manifest.databaseId !== newest.manifest.databaseId) damaged('is the manifest of another mill');
  else if (manifest.sequence === newest.manifest.sequence) damaged(`differs from ${newest.path}`);
  else {
    const { sequence } = manifest;
    findings.notes.push(`${path} is an older manifest (${sequence}): a crash came between the two copies. Harmless.`);
  }
}

function checkStreams(path: string, { streams, nextLsn, ceiling, logs }: Manifest, findings: Findings): void {
  const isTwice = (values: readonly unknown[]) => new Set(values).size < values.length;
  if (isTwice(streams.map(({ id }) => id))) findings.nonsense(path, 'two streams have the same number');
  if (isTwice(streams.map(({ name }) => name))) findings.nonsense(path, 'two streams have the same name');
  for (const { name, versions } of streams) {
    const isSound = versions.length > 0 && versions.every((columns) => columns.some(({ role }) => role === 'time'));
    if (!isSound) findings.nonsense(path, `stream ${name} has a version without an event time`);
  }
  if (!(nextLsn <= ceiling)) findings.nonsense(path, `the next lsn ${nextLsn} is above the ceiling ${ceiling}`);
  if (!logs.every((number) => Number.isSafeInteger(number) && number > 0))
    findings.nonsense(path, 'it names log files that cannot be');
}

/** What the manifest says of its segments must fit together, whatever is in the files. */
function checkSegments(path: string, { segments, streams, nextLsn }: Manifest, findings: Findings): void {
  const numbers = new Set<number>();
  // Of a version that is being built there are other rows of the same stream.
  const lastLsns = { inForce: new Map<number, number>(), build: new Map<number, number>() };
  for (const { number, info, build } of segments) {
    const lasts = build ? lastLsns.build : lastLsns.inForce;
    const segment = `segment ${number}`;
    if (numbers.has(number)) findings.nonsense(path, `it names ${segment} twice`);
    numbers.add(number);
    const stream = streams.find(({ id }) => id === info.stream);
    if (stream === undefined) findings.nonsense(path, `${segment} is of stream ${info.stream}, which it does not have`);
    else if (stream.versions[info.version - 1] === undefined)
      findings.nonsense(
        path,
        `${segment} has version ${info.version} of ${stream.name}, which has ${numberOf(stream.versions.length, 'version')}`,
      );
    const last = lasts.get(info.stream) ?? 0;
    const end = checkBlocks(path, segment, info, last, findings);
    lasts.set(info.stream, end);
    if (end >= nextLsn) findings.nonsense(path, `${segment} has lsn ${end}, but the next one is ${nextLsn}`);
  }
}

/** Blocks follow each other in the order of lsns, over all segments of a stream. Gives the last lsn. */
function checkBlocks(path: string, segment: string, info: SegmentInfo, after: number, findings: Findings): number {
  if (info.blocks.length === 0) findings.nonsense(path, `${segment} has no blocks`);
  let last = after;
  let offset = 0;
  for (const [at, block] of info.blocks.entries()) {
    // Rows that one event caused may be in two blocks.
    const before = info.blocks[at - 1];
    const isBehind = before && info.indexed ? !isBefore(startOf(block), endOf(before)) : block.firstLsn > last;
    if (!isBehind || block.lastLsn < block.firstLsn)
      findings.nonsense(
        path,
        `block ${at} of ${segment} has lsns ${block.firstLsn} to ${block.lastLsn}, but what is before it ends with ${last}`,
      );
    if (block.offset < offset || block.offset + block.bytes > info.directory)
      findings.nonsense(path, `block ${at} of ${segment} is where another part of the file is`);
    last = Math.max(last, block.lastLsn);
    offset = block.offset + block.bytes;
  }
  return last;
}

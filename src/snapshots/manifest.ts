import {
  catchError,
  concat,
  defer,
  ignoreElements,
  map,
  type Observable,
  of,
  reduce,
  switchMap,
  throwError,
  toArray,
} from 'rxjs';
import { MillraceError } from '../errors.js';
import { type Storage, StorageError } from '../storage/storage.js';
import { fromCanonicalJson, toCanonicalJson } from '../wal/canonical-json.js';
import type { ColumnLayout } from '../wal/column.js';
import type { Hash } from '../wal/hash.js';
import { useFile } from '../wal/use-file.js';
import { faultIn } from './manifest-fault.js';
import type { SegmentInfo } from './segment-format.js';
import type { StateFile } from './state-file.js';

/** What a mill is, what its snapshot holds and where its log begins. Everything that belongs to it is named here; the rest is leftovers. */
export interface Manifest {
  readonly format: 1;
  /** Rises with each manifest: of two good copies the higher one is the newer. */
  readonly sequence: number;
  /** 32 hexadecimal digits, drawn when the mill was created. */
  readonly databaseId: string;
  readonly vgroups: number;
  /** Everything up to this commit is in the snapshot; the log continues with the next one. */
  readonly commit: number;
  readonly nextLsn: number;
  /** Lsns below it may have been given. */
  readonly ceiling: number;
  /** The number of the first log file that is needed, for each VGroup and then for the metadata log. */
  readonly logs: readonly number[];
  readonly streams: readonly ManifestStream[];
  /** Of each stream in the order of positions. */
  readonly segments: readonly SegmentEntry[];
  /** Derived streams and tables, by name; not there in a mill that never had one. */
  readonly derived?: readonly ManifestDerived[];
}

/** A derived stream or table as it was after all events with lower lsns than `processedTo`. */
export interface ManifestDerived {
  readonly name: string;
  readonly kind: 'stream' | 'table';
  readonly version: number;
  /** What its pipeline reads and the operators in it that keep state, as texts. */
  readonly shape: readonly string[];
  readonly processedTo: number;
  /** This version did not process events with lower lsns, which were there before it; not there where it began with the first one. */
  readonly processedFrom?: number;
  /** Of streams that keep rows of an older version, the last lsn of these; not there where none does. */
  readonly kept?: readonly KeptRows[];
  readonly states: readonly ManifestState[];
  /** A newer version that is being built from history, beside this one. */
  readonly build?: ManifestBuild;
}

/** A version of a derived stream or table on its way: segments with its rows are marked as `build`. */
export interface ManifestBuild
  extends Pick<ManifestDerived, 'version' | 'shape' | 'processedTo' | 'processedFrom' | 'states'> {
  /** For streams that keep old rows: the names, and the last lsn of these. */
  readonly kept: readonly KeptRows[];
}

export interface KeptRows {
  readonly stream: string;
  readonly to: number;
}

/** The files of one state, a base and then deltas; none where it was never written. */
export interface ManifestState {
  readonly name: string;
  readonly files: readonly StateFile[];
}

/** A stream as the metadata log knew it. */
export interface ManifestStream {
  readonly id: number;
  readonly name: string;
  /** The columns of every version of its schema, from 1 on. */
  readonly versions: readonly (readonly ColumnLayout[])[];
  /** The last decision on how far its events are kept; `null` where there is none. */
  readonly retained: Retained | null;
}

/** Events with an lsn below `lsn` are kept only from this event time on. */
export interface Retained {
  /** Milliseconds since the epoch. */
  readonly from: number;
  readonly lsn: number;
}

export interface SegmentEntry {
  /** The file is named by it. */
  readonly number: number;
  readonly info: SegmentInfo;
  /** Of a version of a derived stream that is being built: not to be read yet. */
  readonly build?: true;
}

/** Two equal copies: a crash or damage to one leaves the other. */
const COPIES = ['manifest-a.json', 'manifest-b.json'] as const;
/** Up to behind the checksum. */
const HEAD_BYTES = 32;
const BYTES_MAX = 64 * 1024 * 1024;

/**
 * Writes both copies, one after the other: temporary file, sync, rename, sync of the directory. A crash leaves at least
 * one whole copy, the old one or the new one.
 */
export function writeManifest(storage: Storage, directory: string, manifest: Manifest, hash: Hash): Observable<never> {
  const text = textOf(manifest);
  const bytes = Buffer.from(`{"checksum":"${checksum(text, hash)}","manifest":${text}}\n`);
  return concat(...COPIES.map((name) => writeCopy(storage, directory, name, bytes)));
}

/** The text of a segment's entry, which never changes: a checkpoint costs what is new. */
const segmentTexts = new WeakMap<SegmentEntry, string>();

/** The same as `toCanonicalJson` gives. */
function textOf(manifest: Manifest): string {
  const textOfSegment = (segment: SegmentEntry) => {
    let text = segmentTexts.get(segment);
    if (text === undefined) segmentTexts.set(segment, (text = toCanonicalJson(segment)));
    return text;
  };
  const fields = (Object.keys(manifest) as (keyof Manifest)[]).sort().map((name) => {
    const value =
      name === 'segments' ? `[${manifest.segments.map(textOfSegment).join(',')}]` : toCanonicalJson(manifest[name]);
    return `${JSON.stringify(name)}:${value}`;
  });
  return `{${fields.join(',')}}`;
}

function writeCopy(storage: Storage, directory: string, name: string, bytes: Uint8Array): Observable<never> {
  const temporary = `${directory}/${name}.tmp`;
  return concat(
    useFile(storage.open(temporary, { create: true }), (file) =>
      concat(file.truncate(0), file.write([bytes], 0), file.sync()),
    ),
    defer(() => storage.rename(temporary, `${directory}/${name}`)),
    defer(() => storage.syncDirectory(directory)),
  ).pipe(ignoreElements());
}

/** The newest good copy, and whether the other one is equal. */
export interface FoundManifest {
  readonly manifest: Manifest;
  /** Else it should be written again: a copy is missing, damaged or old. */
  readonly isWhole: boolean;
}

/**
 * Reads the newest good copy; emits `null` where there is none at all. Changes nothing. Errors with `CORRUPT_MANIFEST`
 * where there are only damaged ones.
 */
export function readManifest(storage: Storage, directory: string, hash: Hash): Observable<FoundManifest | null> {
  return readCopies(storage, directory, hash).pipe(
    switchMap((copies) => {
      const newest = newestOf(copies);
      if (newest === null) {
        const damaged = copies.find((copy) => copy.fault !== null);
        return damaged ? throwError(() => corrupt(damaged)) : of(null);
      }
      const isWhole = copies.every(({ text }) => text === newest.text);
      return of({ manifest: newest.manifest, isWhole });
    }),
  );
}

/** Reads both copies, whatever is wrong with them. */
export function readCopies(storage: Storage, directory: string, hash: Hash): Observable<readonly ManifestCopy[]> {
  return concat(...COPIES.map((name) => readCopy(storage, `${directory}/${name}`, hash))).pipe(toArray());
}

/** The good copy that counts; `null` where there is none. */
export function newestOf(copies: readonly ManifestCopy[]): (ManifestCopy & { readonly manifest: Manifest }) | null {
  const good = copies.flatMap((copy) => (copy.manifest ? [{ ...copy, manifest: copy.manifest }] : []));
  return good.sort((a, b) => b.manifest.sequence - a.manifest.sequence)[0] ?? null;
}

/** How both copies begin, with their checksums: as long as that is the same they are, and nothing more has to be read. */
export function headsOfCopies(storage: Storage, directory: string): Observable<string> {
  const head = (name: string) =>
    useFile(storage.open(`${directory}/${name}`, { readOnly: true }), (file) => file.read(0, HEAD_BYTES)).pipe(
      map((bytes) => Buffer.from(bytes).toString('latin1')),
      catchError((error) => (isMissing(error) ? of('') : throwError(() => error))),
    );
  return concat(...COPIES.map(head)).pipe(reduce((all, some) => `${all}\n${some}`));
}

/** One of the two files. A copy without manifest and without fault is not there. */
export interface ManifestCopy {
  readonly path: string;
  readonly manifest: Manifest | null;
  readonly text: string;
  /** What is wrong with a copy that is there. */
  readonly fault: string | null;
}

function readCopy(storage: Storage, path: string, hash: Hash): Observable<ManifestCopy> {
  return useFile(storage.open(path, { readOnly: true }), (file) =>
    file.size().pipe(switchMap((size) => file.read(0, Math.min(size, BYTES_MAX)))),
  ).pipe(
    map((bytes) => parse(path, Buffer.from(bytes).toString('utf8'), hash)),
    catchError((error) =>
      isMissing(error) ? of({ path, manifest: null, text: '', fault: null }) : throwError(() => error),
    ),
  );
}

function parse(path: string, text: string, hash: Hash): ManifestCopy {
  const bad = (fault: string): ManifestCopy => ({ path, manifest: null, text, fault });
  const match = /^\{"checksum":"([0-9a-f]{16})","manifest":(.*)\}\n$/s.exec(text);
  if (match === null) return bad('is not a manifest');
  if (match[1] !== checksum(match[2]!, hash)) return bad('has a wrong checksum');
  const manifest = fromCanonicalJson(match[2]!) as Manifest;
  if (manifest.format !== 1) throw unsupported(path, manifest.format);
  const fault = faultIn(manifest);
  return fault === null ? { path, manifest, text, fault } : bad(`makes no sense${fault && `: ${fault}`}`);
}

function checksum(text: string, hash: Hash): string {
  return hash(Buffer.from(text)).toString(16).padStart(16, '0');
}

export function isMissing(error: unknown): boolean {
  return error instanceof StorageError && error.code === 'ENOENT';
}

function corrupt({ path, fault }: ManifestCopy): MillraceError {
  const message = `${path} ${fault}, and there is no good copy beside it. Nothing was changed. Put a manifest back from a backup of this directory.`;
  return new MillraceError('CORRUPT_MANIFEST', message, { path });
}

function unsupported(path: string, format: unknown): MillraceError {
  const message = `${path} has format ${String(format)}; this millrace reads format 1. Use the release that wrote it.`;
  return new MillraceError('UNSUPPORTED_VERSION', message, { path });
}

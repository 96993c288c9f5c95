import {
  catchError,
  concat,
  defer,
  ignoreElements,
  map,
  type Observable,
  of,
  switchMap,
  throwError,
  toArray,
} from 'rxjs';
import { MillraceError } from '../errors.js';
import { type Storage, StorageError } from '../storage/storage.js';
import { fromCanonicalJson, toCanonicalJson } from '../wal/canonical-json.js';
import { VGROUPS_MAX } from '../wal/format.js';
import type { Hash } from '../wal/hash.js';
import { useFile } from '../wal/use-file.js';

/** What a mill is and where its log begins. Everything that belongs to it is named here; the rest is leftovers. */
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
}

/** Two equal copies: a crash or damage to one leaves the other. */
const COPIES = ['manifest-a.json', 'manifest-b.json'] as const;
const BYTES_MAX = 64 * 1024 * 1024;

/**
 * Writes both copies, one after the other: temporary file, sync, rename, sync of the directory. A crash leaves at least
 * one whole copy, the old one or the new one.
 */
export function writeManifest(storage: Storage, directory: string, manifest: Manifest, hash: Hash): Observable<never> {
  const text = toCanonicalJson(manifest);
  const bytes = Buffer.from(`{"checksum":"${checksum(text, hash)}","manifest":${text}}\n`);
  return concat(...COPIES.map((name) => writeCopy(storage, directory, name, bytes)));
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
  return concat(...COPIES.map((name) => readCopy(storage, `${directory}/${name}`, hash))).pipe(
    toArray(),
    switchMap((copies) => {
      const good = copies.flatMap((copy) => (copy.manifest ? [copy.manifest] : []));
      const newest = good.sort((a, b) => b.sequence - a.sequence)[0];
      if (newest === undefined) {
        const damaged = copies.find((copy) => copy.fault !== null);
        return damaged ? throwError(() => corrupt(damaged)) : of(null);
      }
      const isWhole =
        good.length === COPIES.length && good.every((copy) => toCanonicalJson(copy) === toCanonicalJson(newest));
      return of({ manifest: newest, isWhole });
    }),
  );
}

interface Copy {
  readonly path: string;
  readonly manifest: Manifest | null;
  /** What is wrong with a copy that is there. */
  readonly fault: string | null;
}

function readCopy(storage: Storage, path: string, hash: Hash): Observable<Copy> {
  return useFile(storage.open(path, { readOnly: true }), (file) =>
    file.size().pipe(switchMap((size) => file.read(0, Math.min(size, BYTES_MAX)))),
  ).pipe(
    map((bytes) => parse(path, Buffer.from(bytes).toString('utf8'), hash)),
    catchError((error) => (isMissing(error) ? of({ path, manifest: null, fault: null }) : throwError(() => error))),
  );
}

function parse(path: string, text: string, hash: Hash): Copy {
  const match = /^\{"checksum":"([0-9a-f]{16})","manifest":(.*)\}\n$/s.exec(text);
  if (match === null) return { path, manifest: null, fault: 'is not a manifest' };
  if (match[1] !== checksum(match[2]!, hash)) return { path, manifest: null, fault: 'has a wrong checksum' };
  const manifest = fromCanonicalJson(match[2]!) as Manifest;
  if (manifest.format !== 1) throw unsupported(path, manifest.format);
  const isSound = Number.isSafeInteger(manifest.commit) && manifest.vgroups >= 1 && manifest.vgroups <= VGROUPS_MAX;
  return isSound ? { path, manifest, fault: null } : { path, manifest: null, fault: 'makes no sense' };
}

function checksum(text: string, hash: Hash): string {
  return hash(Buffer.from(text)).toString(16).padStart(16, '0');
}

export function isMissing(error: unknown): boolean {
  return error instanceof StorageError && error.code === 'ENOENT';
}

function corrupt({ path, fault }: Copy): MillraceError {
  const message = `${path} ${fault}, and there is no good copy beside it. Nothing was changed. Put a manifest back from a backup of this directory.`;
  return new MillraceError('CORRUPT_MANIFEST', message, { path });
}

function unsupported(path: string, format: unknown): MillraceError {
  const message = `${path} has format ${String(format)}; this millrace reads format 1. Use the release that wrote it.`;
  return new MillraceError('UNSUPPORTED_VERSION', message, { path });
}

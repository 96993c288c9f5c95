import { catchError, concat, defer, map, type Observable, of, switchMap, tap, throwError } from 'rxjs';
import { CorruptLogError, MillraceError } from '../errors.js';
import { type Storage, StorageError, type StorageFile } from '../storage/storage.js';
import { FILE_HASHED_BYTES, FILE_HEADER_BYTES, FILE_MAGIC, FORMAT_VERSION, METADATA } from './format.js';
import { viewOf } from './frame.js';
import type { Hash } from './hash.js';
import { closedWith, useFile } from './use-file.js';

/** Which file of which mill this is; the frames' hashes are seeded with it. */
export interface LogFileIdentity {
  /** 16 bytes, drawn when the mill is created. */
  readonly databaseId: Uint8Array;
  readonly participant: number;
  /** Rises with each rotation. */
  readonly fileNumber: number;
}

/** Zeros are written this many bytes at a time. */
const ZEROS = new Uint8Array(256 * 1024);

/** The folder of a participant's log files, inside the mill's. */
export function logDirectory(participant: number): string {
  return participant === METADATA ? 'metadata' : `vgroup-${String(participant).padStart(2, '0')}`;
}

export const CURRENT = 'current.wal';
export const NEXT = 'next.wal';
export const CHECKPOINT = 'checkpoint.wal';

function encodeFileHeader(identity: LogFileIdentity, hash: Hash): Uint8Array {
  const bytes = new Uint8Array(FILE_HEADER_BYTES);
  const view = viewOf(bytes);
  view.setBigUint64(0, FILE_MAGIC, true);
  view.setUint32(8, FORMAT_VERSION, true);
  view.setUint32(12, identity.participant, true);
  bytes.set(identity.databaseId, 16);
  view.setBigUint64(32, BigInt(identity.fileNumber), true);
  view.setBigUint64(FILE_HASHED_BYTES, hash(bytes.subarray(0, FILE_HASHED_BYTES)), true);
  return bytes;
}

/** The seed of the hashes of the frames in a file: it is the hash of the file's header up to the hash. */
function seedOf(header: Uint8Array): bigint {
  return viewOf(header).getBigUint64(FILE_HASHED_BYTES, true);
}

export interface FileHeader extends LogFileIdentity {
  readonly seed: bigint;
}

/** Reads and judges the header of a log file. Errors with `CorruptLogError` or `UNSUPPORTED_VERSION`. */
export function readFileHeader(file: StorageFile, hash: Hash): Observable<FileHeader> {
  return file.read(0, FILE_HEADER_BYTES).pipe(
    switchMap((bytes) => {
      const broken = (what: string) =>
        throwError(
          () =>
            new CorruptLogError(
              `${file.path} ${what}. Nothing was changed. Put the right file back from a backup, or move the mill away and start anew.`,
              { path: file.path, offset: 0 },
            ),
        );
      if (bytes.length < FILE_HEADER_BYTES) return broken(`is shorter (${bytes.length} bytes) than its header`);
      const view = viewOf(bytes);
      if (view.getBigUint64(0, true) !== FILE_MAGIC)
        return broken('is not a log file of millrace: it does not begin with "MILLRACE"');
      if (seedOf(bytes) !== hash(bytes.subarray(0, FILE_HASHED_BYTES)))
        return broken('has a damaged header: its checksum is wrong');
      if (view.getUint32(8, true) !== FORMAT_VERSION)
        return throwError(() => unsupported(file.path, view.getUint32(8, true)));
      return of({
        databaseId: bytes.slice(16, 32),
        participant: view.getUint32(12, true),
        fileNumber: Number(view.getBigUint64(32, true)),
        seed: seedOf(bytes),
      });
    }),
  );
}

function unsupported(path: string, version: number): MillraceError {
  const message = `${path} has format version ${version}; this millrace reads version ${FORMAT_VERSION}. Use the release that wrote it.`;
  return new MillraceError('UNSUPPORTED_VERSION', message, { path, offset: 8 });
}

/**
 * Prepares `next.wal` of a participant: header, zeros up to `length` bytes, synced. Its name is durable once its
 * directory is synced, which the caller does before any append is acknowledged from it.
 */
export function prepareLogFile(
  storage: Storage,
  directory: string,
  identity: LogFileIdentity,
  length: number,
  hash: Hash,
): Observable<void> {
  return useFile(storage.open(`${directory}/${NEXT}`, { create: true }), (file) =>
    concat(
      file.truncate(0),
      file.write([encodeFileHeader(identity, hash), ...zeros(length - FILE_HEADER_BYTES)], 0),
      file.sync(),
    ),
  );
}

function zeros(length: number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let left = length; left > 0; left -= ZEROS.length)
    chunks.push(left < ZEROS.length ? ZEROS.subarray(0, left) : ZEROS);
  return chunks;
}

/** A log file that frames are appended to. Keeps the end of the last commit, to which a failed one is cut back. */
export class LogFile {
  /** Whether something was written since the last sync began that covered it. */
  isDirty = false;

  constructor(
    readonly file: StorageFile,
    readonly header: FileHeader,
    /** Where the next frame goes. */
    public end: number,
  ) {}

  get participant(): number {
    return this.header.participant;
  }

  /** Writes a frame at what is the end now; `written` moves the end, when the whole commit is written. */
  write(frame: Uint8Array): Observable<void> {
    return this.file.write([frame], this.end);
  }

  /** Dirty only now: a sync that began while the write ran did not cover it. */
  written(bytes: number): void {
    this.end += bytes;
    this.isDirty = true;
  }

  sync(): Observable<void> {
    return defer(() => {
      this.isDirty = false;
      return this.file.sync();
    });
  }

  /**
   * Takes what stands behind the last commit out of the file, durably. The file stays dirty: a sync of the log that begins
   * meanwhile must not take for durable what this one has not finished with.
   */
  cutBack(): Observable<void> {
    return concat(
      defer(() => this.file.truncate(this.end)),
      defer(() => this.file.sync()),
    );
  }
}

/** Opens a participant's log file and reads its header; an identity that is not the expected one is corruption. */
export function openLogFile(
  storage: Storage,
  directory: string,
  expected: Omit<LogFileIdentity, 'fileNumber'>,
  hash: Hash,
  name: string = CURRENT,
): Observable<LogFile> {
  const path = `${directory}/${name}`;
  return storage.open(path).pipe(
    catchError((error) =>
      throwError(() => (error instanceof StorageError && error.code === 'ENOENT' ? missing(path) : error)),
    ),
    switchMap((file) =>
      readFileHeader(file, hash).pipe(
        tap((header) => assertIdentity(file.path, header, expected)),
        map((header) => new LogFile(file, header, FILE_HEADER_BYTES)),
        catchError((error) => closedWith(file, error)),
      ),
    ),
  );
}

function missing(path: string): CorruptLogError {
  const message = `${path} is missing. Nothing was changed. Put the file back from a backup; without it the mill cannot be opened.`;
  return new CorruptLogError(message, { path, offset: 0 });
}

function assertIdentity(path: string, found: FileHeader, expected: Omit<LogFileIdentity, 'fileNumber'>): void {
  const refuse = (what: string): never => {
    throw new CorruptLogError(`${path} ${what}. Nothing was changed. Put the file back where it belongs.`, {
      path,
      offset: 0,
    });
  };
  if (Buffer.compare(found.databaseId, expected.databaseId) !== 0)
    refuse('belongs to another mill (its database id differs)');
  if (found.participant !== expected.participant) {
    refuse(`is the log of ${logDirectory(found.participant)}, not of ${logDirectory(expected.participant)}`);
  }
}

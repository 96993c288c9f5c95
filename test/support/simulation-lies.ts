import { EMPTY, map, type Observable, retry, switchMap } from 'rxjs';
import type { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import type { OpenOptions, Storage, StorageFile, StorageLock } from '../../src/storage/storage.js';

/** A disk between the mill and the simulated one, that passes everything on. Liars override what they lie about. */
export class PassingStorage implements Storage {
  constructor(protected readonly disk: SimulatedStorage) {}

  open(path: string, options?: OpenOptions): Observable<StorageFile> {
    return this.disk.open(path, options).pipe(map((file) => this.seen(file)));
  }

  /** The open file as the mill sees it. */
  protected seen(file: StorageFile): StorageFile {
    return file;
  }

  list(directory: string): Observable<readonly string[]> {
    return this.disk.list(directory);
  }

  makeDirectory(path: string): Observable<void> {
    return this.disk.makeDirectory(path);
  }

  rename(from: string, to: string): Observable<void> {
    return this.disk.rename(from, to);
  }

  remove(path: string): Observable<void> {
    return this.disk.remove(path);
  }

  syncDirectory(path: string): Observable<void> {
    return this.disk.syncDirectory(path);
  }

  lock(path: string): Observable<StorageLock | null> {
    return this.disk.lock(path);
  }
}

/** An open file of such a disk. */
export class PassingFile implements StorageFile {
  constructor(protected readonly file: StorageFile) {}

  get path(): string {
    return this.file.path;
  }

  size(): Observable<number> {
    return this.file.size();
  }

  read(position: number, length: number): Observable<Uint8Array> {
    return this.file.read(position, length);
  }

  write(chunks: readonly Uint8Array[], position: number): Observable<void> {
    return this.file.write(chunks, position);
  }

  sync(): Observable<void> {
    return this.file.sync();
  }

  truncate(length: number): Observable<void> {
    return this.file.truncate(length);
  }

  close(): Observable<void> {
    return this.file.close();
  }
}

/** Says that names are durable without making them so. */
export class ForgetsDirectories extends PassingStorage {
  override syncDirectory(): Observable<void> {
    return EMPTY;
  }
}

/** Tries a failed sync again, and believes the second answer. */
export class RetriesSyncs extends PassingStorage {
  protected override seen(file: StorageFile): StorageFile {
    return new (class extends PassingFile {
      override sync(): Observable<void> {
        return this.file.sync().pipe(retry(2));
      }
    })(file);
  }
}

/** Reads that end early now and then, without an error. */
export class ReadsShort extends PassingStorage {
  constructor(
    disk: SimulatedStorage,
    private readonly random: () => number,
  ) {
    super(disk);
  }

  protected override seen(file: StorageFile): StorageFile {
    const { random } = this;
    return new (class extends PassingFile {
      override read(position: number, length: number): Observable<Uint8Array> {
        const bytes = this.file.read(position, length);
        return random() < 0.02 ? bytes.pipe(map((all) => all.subarray(0, random() * all.length))) : bytes;
      }
    })(file);
  }
}

/** While the mill starts, writes nothing that stands there already: as a recovery that trusts the page cache. */
export class WritesNothingAgain extends PassingStorage {
  constructor(
    disk: SimulatedStorage,
    private readonly phase: () => 'start' | 'live',
  ) {
    super(disk);
  }

  protected override seen(file: StorageFile): StorageFile {
    const { phase } = this;
    return new (class extends PassingFile {
      override write(chunks: readonly Uint8Array[], position: number): Observable<void> {
        const written = this.file.write(chunks, position);
        if (phase() === 'live') return written;
        const bytes = Buffer.concat(chunks);
        const isThere = this.file.read(position, bytes.length).pipe(map((found) => bytes.equals(found)));
        return isThere.pipe(switchMap((same) => (same ? EMPTY : written)));
      }
    })(file);
  }
}

/** While the mill starts, cuts nothing from a log: what a torn end left stays behind the last good frame. */
export class KeepsTornEnds extends PassingStorage {
  constructor(
    disk: SimulatedStorage,
    private readonly phase: () => 'start' | 'live',
  ) {
    super(disk);
  }

  protected override seen(file: StorageFile): StorageFile {
    const { phase } = this;
    return new (class extends PassingFile {
      override truncate(length: number): Observable<void> {
        const isCut = phase() === 'start' && this.path.endsWith('current.wal');
        return isCut ? EMPTY : this.file.truncate(length);
      }
    })(file);
  }
}

/** Gives the older of the two manifests for both of them. */
export class ShowsOldManifest extends PassingStorage {
  override open(path: string, options?: OpenOptions): Observable<StorageFile> {
    if (!/manifest-[ab]\.json$/.test(path)) return super.open(path, options);
    const copies = ['a', 'b'].map((copy) => path.replace(/[ab]\.json$/, `${copy}.json`));
    const sequenceOf = (copy: string) =>
      this.disk.paths().includes(copy)
        ? Number(/"sequence":(\d+)/.exec(Buffer.from(this.disk.contents(copy)).toString())?.[1] ?? Number.NaN)
        : Number.POSITIVE_INFINITY;
    const older = sequenceOf(copies[1]!) < sequenceOf(copies[0]!) ? copies[1]! : copies[0]!;
    return super.open(older, options);
  }
}

import { posix } from 'node:path';
import { concat, defer, EMPTY, type Observable } from 'rxjs';
import type { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import type { OpenOptions, StorageFile } from '../../src/storage/storage.js';
import { PassingFile, PassingStorage, ShowsOldManifest } from './simulation-lies.js';

const isManifest = (path: string): boolean => /manifest-[ab]\.json(\.tmp)?$/.test(path);

/** Removes the log that a checkpoint makes superfluous before its manifest is written. */
export class RemovesLogsEarly extends PassingStorage {
  constructor(
    disk: SimulatedStorage,
    private readonly isWrongNow: () => boolean = () => true,
  ) {
    super(disk);
  }

  override open(path: string, options?: OpenOptions): Observable<StorageFile> {
    const opened = super.open(path, options);
    if (!path.endsWith('manifest-a.json.tmp') || !this.isWrongNow()) return opened;
    const isSuperfluous = (one: string) => one.endsWith('/checkpoint.wal');
    return defer(() => {
      const logs = this.disk.paths().filter(isSuperfluous);
      const gone = logs.flatMap((log) => [this.disk.remove(log), this.disk.syncDirectory(posix.dirname(log))]);
      return concat(...(gone as Observable<never>[]), opened);
    });
  }

  /** It is gone already. */
  override remove(path: string): Observable<void> {
    return path.endsWith('/checkpoint.wal') && !this.disk.paths().includes(path) ? EMPTY : super.remove(path);
  }
}

/** Gives the manifest its name without having synced it. */
export class SyncsNoManifest extends PassingStorage {
  protected override seen(file: StorageFile): StorageFile {
    return new (class extends PassingFile {
      override sync(): Observable<void> {
        return isManifest(this.path) ? EMPTY : this.file.sync();
      }
    })(file);
  }
}

/** Says that names in some folders are durable without making them so. */
export class ForgetsFolders extends PassingStorage {
  constructor(
    disk: SimulatedStorage,
    private readonly isForgotten: (path: string) => boolean,
  ) {
    super(disk);
  }

  override syncDirectory(path: string): Observable<void> {
    return this.isForgotten(path) ? EMPTY : super.syncDirectory(path);
  }
}

/** Never replaces the second copy of the manifest, and reads the older one. */
export class KeepsOldManifest extends ShowsOldManifest {
  override rename(from: string, to: string): Observable<void> {
    return to.endsWith('manifest-b.json') && this.disk.paths().includes(to) ? EMPTY : super.rename(from, to);
  }
}

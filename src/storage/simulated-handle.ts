import type { Observable } from 'rxjs';
import { sectorPrefix } from './power-cut.js';
import { normalize } from './simulated-disk.js';
import type { OperationName } from './simulated-faults.js';
import type { SimulatedFile } from './simulated-file.js';
import type { Operation, OperationRunner } from './simulated-operations.js';
import { StorageError, type StorageFile } from './storage.js';

export interface HandleOptions {
  readonly path: string;
  readonly file: SimulatedFile;
  readonly readOnly: boolean;
  readonly runner: OperationRunner;
  /** Bytes by which the files may still grow. */
  readonly room: () => number;
  readonly onClose: () => void;
}

type Prepared<T> = Omit<Operation<T>, 'name' | 'paths'>;

/** An open file of a simulated disk. It stays with its file, whatever becomes of the name. */
export class SimulatedHandle implements StorageFile {
  readonly #options: HandleOptions;
  readonly #file: SimulatedFile;
  readonly #paths: readonly string[];
  #closed = false;

  constructor(options: HandleOptions) {
    this.#options = options;
    this.#file = options.file;
    this.#paths = [normalize(options.path)];
  }

  get path(): string {
    return this.#options.path;
  }

  size(): Observable<number> {
    return this.#run('size', () => ({ effect: () => this.#file.length }));
  }

  read(position: number, length: number, into?: Uint8Array): Observable<Uint8Array> {
    return this.#run(
      'read',
      () => ({
        bytes: length,
        effect: () => {
          const bytes = this.#file.bytes.read(position, position + length);
          if (into === undefined) return bytes;
          into.set(bytes);
          return into.subarray(0, bytes.length);
        },
      }),
      position,
      length,
    );
  }

  write(chunks: readonly Uint8Array[], position: number): Observable<void> {
    return this.#run(
      'write',
      () => {
        const count = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
        return {
          bytes: count,
          effect: () => this.#write(chunks, position, count),
          cutOff: ({ fileOf }, random) => {
            const written = random() < 0.5 ? count : sectorPrefix(position, count, random);
            fileOf(this.#file).write(chunks, position, written);
          },
          failed: (random) => this.#file.write(chunks, position, sectorPrefix(position, count, random)),
        };
      },
      position,
    );
  }

  sync(): Observable<void> {
    return this.#run('sync', () => {
      const mark = this.#file.mark();
      return {
        effect: () => this.#file.syncUpTo(mark),
        cutOff: ({ fileOf }, random) => {
          if (random() < 0.5) fileOf(this.#file).syncUpTo(mark);
        },
        failed: () => this.#file.doubtUpTo(mark),
      };
    });
  }

  truncate(length: number): Observable<void> {
    return this.#run(
      'truncate',
      () => ({
        effect: () => this.#file.truncate(length),
        cutOff: ({ fileOf }, random) => {
          if (random() < 0.5) fileOf(this.#file).truncate(length);
        },
      }),
      length,
    );
  }

  close(): Observable<void> {
    return this.#run('close', () => {
      this.#closed = true;
      // Closed for the program even where the system reports an error.
      const close = () => this.#options.onClose();
      return { effect: close, failed: close };
    });
  }

  #run<T>(name: OperationName, prepare: () => Prepared<T>, position = 0, length = 0): Observable<T> {
    return this.#options.runner.run<T>(() => {
      const code = this.#refusal(name, position, length);
      if (!code) return { name, paths: this.#paths, ...prepare() };
      const effect = () => {
        throw new StorageError(code, name, this.path);
      };
      return { name, paths: this.#paths, effect };
    });
  }

  #refusal(name: OperationName, position: number, length: number): string | undefined {
    const writes = name === 'write' || name === 'truncate';
    if (this.#closed || (writes && this.#options.readOnly)) return 'EBADF';
    return isOffset(position) && isOffset(length) ? undefined : 'EINVAL';
  }

  /** Writes what there is room for. */
  #write(chunks: readonly Uint8Array[], position: number, count: number): void {
    const growth = Math.max(0, position + count - this.#file.length);
    const room = growth > 0 ? this.#options.room() : Infinity;
    const lacking = Math.max(0, growth - Math.max(0, room));
    this.#file.write(chunks, position, Math.max(0, count - lacking));
    if (lacking > 0) throw new StorageError('ENOSPC', 'write', this.path);
  }
}

function isOffset(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

import fs from 'node:fs';
import { open } from 'node:fs/promises';
import { addAbortSignal } from 'node:stream';
import { toStorageError } from './file-handle.js';

/** Bytes that are read at a time: enough that the calls do not count. */
const CHUNK_BYTES = 256 * 1024;

/** A text that is short, as those that the system makes under `/proc`; `null` where it cannot be read. */
export function readShortText(path: string): string | null {
  try {
    return fs.readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** The length of a file in bytes; `null` where it has none, as a pipe. @throws StorageError */
export async function lengthOf(path: string): Promise<number | null> {
  const stats = await fs.promises.stat(path).catch((error) => {
    throw toStorageError(error, 'open', path);
  });
  if (stats.isDirectory()) throw toStorageError({ code: 'EISDIR' }, 'open', path);
  return stats.isFile() ? stats.size : null;
}

/**
 * The bytes of a file, or of a pipe that has a path, as fast as they are taken; of stdin where the path is `-`.
 *
 * @throws StorageError, and the reason of `signal` when it is aborted
 */
export async function* readChunks(path: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  const stream = path === '-' ? process.stdin : fs.createReadStream(path, { highWaterMark: CHUNK_BYTES });
  addAbortSignal(signal, stream);
  try {
    for await (const chunk of stream) yield chunk as Buffer;
  } catch (error) {
    signal.throwIfAborted();
    throw toStorageError(error, 'read', path === '-' ? 'stdin' : path);
  }
}

/** A file that is written front to back. A write resolves when the system has the bytes, so that memory is bounded. */
export interface TextFile {
  write(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** Makes a file, or empties the one that is there. @throws StorageError */
export async function createTextFile(path: string): Promise<TextFile> {
  const failed = (error: unknown): never => {
    throw toStorageError(error, 'write', path);
  };
  const handle = await open(path, 'w').catch(failed);
  return {
    write: (bytes) => handle.appendFile(bytes).catch(failed),
    close: () => handle.close().catch(failed),
  };
}

import {
  catchError,
  concat,
  concatMap,
  defer,
  EMPTY,
  from,
  ignoreElements,
  type Observable,
  of,
  tap,
  throwError,
} from 'rxjs';
import { MillraceError } from '../errors.js';
import { type Storage, StorageError, type StorageFile } from '../storage/storage.js';
import { steps } from '../wal/steps.js';
import { KeyedState } from './keyed-state.js';
import type { ManifestState } from './manifest.js';
import type { StateCodec, Values } from './state-codec.js';
import {
  BLOCK_EMPTIED,
  BLOCK_END,
  BLOCK_ENTRIES,
  BLOCK_HEADER_BYTES,
  bodyLengthOf,
  checksumText,
  decodeBlock,
  decodeSlots,
  decodeStateHeader,
  encodeCounts,
  ownerOf,
  STATE_FORMAT_VERSION,
  STATE_HEADER_BYTES,
  type StateBlock,
  type StateFile,
  type StateFileContext,
  type StateFileHeader,
  seedOfHeader,
} from './state-file.js';
import type { StateKey } from './state-key.js';
import { StatePages } from './state-pages.js';
import { withFile } from './with-file.js';

/**
 * Reads a state from the files that the manifest names: a base, then deltas, in order; none for a state that was never
 * written. Everything is checked. Changes nothing.
 *
 * Errors with `MillraceError` `CORRUPT_STATE` and `path`, `offset` where a file is missing or damaged, `UNSUPPORTED_VERSION` for one of a later
 * release, `SCHEMA_CHANGED` where the files hold values of another codec or other fields; `StorageError` where the disk fails.
 */
export function loadState<K extends StateKey, V, A extends Values>(
  storage: Storage,
  directory: string,
  files: readonly StateFile[],
  { name, codec }: { readonly name: string; readonly codec: StateCodec<V, A> },
  context: StateFileContext,
): Observable<KeyedState<K, V, A>> {
  const state = new KeyedState<K, V, A>(name, codec);
  return concat(
    restoreState(storage, directory, files, state, context),
    defer(() => of(state)),
  );
}

/** The same into a state that is empty still: it stays so where an error comes. */
export function restoreState<K extends StateKey, V, A extends Values>(
  storage: Storage,
  directory: string,
  files: readonly StateFile[],
  state: KeyedState<K, V, A>,
  context: StateFileContext,
): Observable<never> {
  return defer(() => {
    const pages = new StatePages(state.codec);
    const named = { name: state.name, files };
    return concat(
      from(files).pipe(concatMap((_, at) => readStateFile(storage, directory, named, at, pages, context))),
      defer(() => {
        state.restore({ pages, files });
        return EMPTY;
      }),
    );
  });
}

/** Reads one of the files of a state into `pages`, and checks everything in it, and that it continues the file before. */
export function readStateFile<V, A extends Values>(
  storage: Storage,
  directory: string,
  { name, files }: ManifestState,
  at: number,
  pages: StatePages<V, A>,
  context: StateFileContext,
): Observable<never> {
  return defer(() => {
    const file = files[at]!;
    const path = `${directory}/${file.name}`;
    const expected: StateFile = { ...file, kind: at === 0 ? 'base' : 'delta' };
    const before = files[at - 1]?.number ?? 0;
    const owner = ownerOf(name, context);
    const use = (opened: StorageFile) => new StateReading(opened, expected, before, owner, pages, context).run();
    return withFile(storage, path, { readOnly: true }, use).pipe(
      catchError((error) => throwError(() => withName(error, path))),
    );
  });
}

class StateReading<V, A extends Values> {
  private position = STATE_HEADER_BYTES;
  /** The header of the block at `position`. */
  private blockHeader = new Uint8Array(0);
  /** The hash of the block before it. */
  private seed = 0n;
  private entries = 0;
  private emptied = 0;
  private isEnded = false;

  constructor(
    private readonly file: StorageFile,
    private readonly expected: StateFile,
    private readonly numberBefore: number,
    private readonly owner: bigint,
    private readonly pages: StatePages<V, A>,
    private readonly context: StateFileContext,
  ) {}

  run(): Observable<never> {
    const { file } = this;
    return concat(
      file.size().pipe(tap((size) => this.checkSize(size))),
      file.read(0, STATE_HEADER_BYTES + BLOCK_HEADER_BYTES).pipe(tap((bytes) => this.begin(bytes))),
      steps(() => this.nextBlock()),
    ).pipe(ignoreElements());
  }

  private checkSize(size: number): void {
    if (size !== this.expected.bytes)
      throw this.fault(
        Math.min(size, this.expected.bytes),
        `has ${size} bytes where ${this.expected.bytes} were written`,
      );
  }

  private begin(bytes: Uint8Array): void {
    const header = decodeStateHeader(bytes, this.context.hash);
    if (typeof header === 'string') throw this.fault(0, header);
    this.checkHeader(header);
    this.seed = seedOfHeader(bytes);
    this.blockHeader = bytes.slice(STATE_HEADER_BYTES);
  }

  private checkHeader(header: StateFileHeader): void {
    const { file, expected, pages } = this;
    const { codec } = pages;
    if (header.version !== STATE_FORMAT_VERSION) throw unsupported(file.path, header.version);
    if (header.owner !== this.owner) throw this.fault(40, 'belongs to another state or another mill');
    const isExpected = header.kind === expected.kind && header.number === expected.number;
    if (!isExpected)
      throw this.fault(12, `is ${header.kind} ${header.number}, not ${expected.kind} ${expected.number}`);
    const continues = expected.kind === 'base' ? 0 : this.numberBefore;
    if (header.continues !== continues) throw this.fault(32, `continues file ${header.continues}, not ${continues}`);
    if (header.codec !== codec.code || header.stride !== codec.stride) throw changed(file.path, header);
  }

  /** Reads a block's body and the header after it. */
  private nextBlock(): Observable<unknown> | null {
    if (this.isEnded) return null;
    const { position, blockHeader } = this;
    const bodyAt = position + BLOCK_HEADER_BYTES;
    const length = bodyLengthOf(blockHeader);
    if (length === null || bodyAt + length > this.expected.bytes)
      throw this.fault(position, 'has a damaged block header');
    return this.file.read(bodyAt, length + BLOCK_HEADER_BYTES).pipe(
      tap((bytes) => {
        const decoded = decodeBlock(blockHeader, bytes.subarray(0, length), this.context.hash, this.seed);
        if (decoded === null) throw this.fault(position, 'has a damaged block: its checksum is wrong');
        this.seed = decoded.hash;
        this.take(decoded.block);
        this.position = bodyAt + length;
        this.blockHeader = bytes.slice(length);
      }),
    );
  }

  private take(block: StateBlock): void {
    if (block.kind === BLOCK_ENTRIES) this.takeEntries(block);
    else if (block.kind === BLOCK_EMPTIED) this.takeEmptied(block);
    else if (block.kind === BLOCK_END) this.takeEnd(block);
    else throw this.fault(this.position, `has a block of unknown kind ${block.kind}`);
  }

  private takeEntries({ body, count }: StateBlock): void {
    const { codec } = this.pages;
    const decoded = codec.decode(body, count);
    if (decoded === null) throw this.fault(this.position, 'has a block that makes no sense');
    const { slots, keys, values } = decoded;
    for (let row = 0; row < count; row++) this.pages.restore(slots[row]!, keys[row]!, values, row * codec.stride);
    this.entries += count;
  }

  private takeEmptied(block: StateBlock): void {
    for (const slot of decodeSlots(block)) this.pages.restoreEmptied(slot);
    this.emptied += block.count;
  }

  private takeEnd({ body }: StateBlock): void {
    const { expected, position } = this;
    const isWhole = Buffer.compare(body, encodeCounts(this.entries, this.emptied)) === 0;
    const isLast = position + BLOCK_HEADER_BYTES + body.length === expected.bytes;
    if (!isWhole || !isLast || checksumText(this.seed) !== expected.checksum)
      throw this.fault(position, 'is not the file that was written');
    this.isEnded = true;
  }

  private fault(offset: number, what: string): MillraceError {
    return damaged(this.file.path, offset, what);
  }
}

/** A file that is missing is damage too, and worth its name. */
function withName(error: unknown, path: string): unknown {
  return error instanceof StorageError && error.code === 'ENOENT' ? damaged(path, 0, 'is missing') : error;
}

function damaged(path: string, offset: number, what: string): MillraceError {
  const message = `${path} ${what} (at byte ${offset}). It holds the state of an operator. Nothing was changed. Put the file back from a backup of this directory.`;
  return new MillraceError('CORRUPT_STATE', message, { path, offset });
}

function unsupported(path: string, version: number): MillraceError {
  const message = `${path} has format version ${version}; this millrace reads version ${STATE_FORMAT_VERSION}. Use the release that wrote it.`;
  return new MillraceError('UNSUPPORTED_VERSION', message, { path, offset: 8 });
}

function changed(path: string, { codec, stride }: StateFileHeader): MillraceError {
  const message = `${path} holds values of codec ${codec} with ${stride} fields, which is not what the pipeline declares now. Give the pipeline a new version to have it built anew.`;
  return new MillraceError('SCHEMA_CHANGED', message, { path, offset: 16 });
}

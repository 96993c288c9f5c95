import { describe, MillraceError } from '../errors.js';
import type { Entries, EntriesEncoder, StateCodec, Values } from './state-codec.js';
import {
  BLOCK_EMPTIED,
  BLOCK_END,
  BLOCK_ENTRIES,
  checksumText,
  encodeBlock,
  encodeCounts,
  encodeSlots,
  encodeStateHeader,
  ownerOf,
  STATE_FORMAT_VERSION,
  type StateFile,
  type StateFileContext,
  seedOfHeader,
} from './state-file.js';
import { keyText } from './state-key.js';
import type { StateView } from './state-view.js';

/** What a state says of a capture. */
export interface CaptureOf<V, A extends Values> {
  readonly name: string;
  readonly codec: StateCodec<V, A>;
  readonly kind: 'base' | 'delta';
  readonly number: number;
  /** The files that the state has so far. */
  readonly filesBefore: readonly StateFile[];
  readonly isEmpty: boolean;
  readonly view: StateView<V, A>;
  readonly succeeded: (files: readonly StateFile[]) => void;
  readonly failed: () => void;
}

const EMPTIED_MAX = 65_536;
/** Pages that are looked through for one slice, also where they hold little. */
const PAGES_MAX = 256;

/**
 * A state as it was at one commit, on its way to a file: all of it (a base) or what changed since the last capture that
 * succeeded (a delta). The state goes on changing meanwhile. One of `succeeded` and `failed` must be called at the end; until then
 * there is no other capture.
 *
 * @example
 * const captured = state.capture();
 * writeState(storage, 'state', `${state.name}-${captured.number}`, captured, context)
 *   .pipe(concatWith(defer(() => writeManifest(… captured.files …))))
 *   .subscribe({ error: () => captured.failed(), complete: () => captured.succeeded() });
 */
export class CapturedState<V = unknown, A extends Values = Values> {
  /** The file that was written, once it is. */
  private written: StateFile | null = null;
  private isOpen = true;

  constructor(private readonly of: CaptureOf<V, A>) {}

  get name(): string {
    return this.of.name;
  }

  get kind(): 'base' | 'delta' {
    return this.of.kind;
  }

  /** The number of the file; a later file of this state has a higher one, also after this capture failed. */
  get number(): number {
    return this.of.number;
  }

  /** Nothing changed since the last one: no file is needed. */
  get isEmpty(): boolean {
    return this.of.isEmpty;
  }

  /** What the manifest must name for this state: with it, the files that are not among them can go. */
  get files(): readonly StateFile[] {
    const { isEmpty, kind, filesBefore } = this.of;
    if (isEmpty) return filesBefore;
    if (this.written === null)
      throw new MillraceError('INVALID_ARGUMENT', `State ${this.of.name} was captured but not written yet.`);
    return kind === 'base' ? [this.written] : [...filesBefore, this.written];
  }

  /**
   * The bytes of the file, for `name`, in bounded slices: each takes up to about a millisecond and is at most some 512 KiB, but
   * for values that are larger. To be read to the end, once; other work may be done between two slices.
   *
   * @param entriesMax no slice has more, however small they are; default: what the codec takes
   */
  *slices(name: string, context: StateFileContext, entriesMax = Infinity): Generator<Uint8Array, void> {
    const { codec, view } = this.of;
    const file = new FileEncoder(context);
    yield file.header(this.of);
    const encoder = codec.encoder();
    const emptied: number[] = [];
    let pages = 0;
    while (this.isOpen && !view.isDone) {
      const entries = view.take();
      for (let row = 0; row < entries.slots.length; row++) {
        const key = entries.keys[row];
        if (key === undefined) emptied.push(entries.slots[row]!);
        else this.add(encoder, entries, row);
        if (encoder.isFull || encoder.count >= entriesMax) yield file.entries(encoder);
        if (emptied.length >= EMPTIED_MAX) yield file.emptied(emptied);
      }
      if (++pages % PAGES_MAX > 0) continue;
      if (encoder.count > 0) yield file.entries(encoder);
      if (emptied.length > 0) yield file.emptied(emptied);
    }
    // Ended in between: what is there must not look like a whole file.
    if (!this.isOpen) return;
    if (encoder.count > 0) yield file.entries(encoder);
    if (emptied.length > 0) yield file.emptied(emptied);
    yield file.end();
    this.written = { name, kind: this.kind, number: this.number, bytes: file.bytes, checksum: checksumText(file.hash) };
  }

  private add(encoder: EntriesEncoder<A>, { slots, keys, values }: Entries<A>, row: number): void {
    const key = keys[row]!;
    try {
      encoder.add(slots[row]!, key, values, row * this.of.codec.stride);
    } catch (cause) {
      const message = `State ${this.of.name} cannot be written: the value of key ${keyText(key)} (${describe(cause)}).`;
      throw new MillraceError('INVALID_ARGUMENT', message, { cause });
    }
  }

  /** The manifest that names `files` is durable. */
  succeeded(): void {
    const { files } = this;
    this.end();
    this.of.succeeded(files);
  }

  /** The file, or the manifest, could not be written: what was captured belongs to the next capture too. */
  failed(): void {
    this.end();
    this.of.failed();
  }

  private end(): void {
    if (!this.isOpen)
      throw new MillraceError('INVALID_ARGUMENT', `This capture of state ${this.of.name} has ended already.`);
    this.isOpen = false;
    this.of.view.close();
  }
}

type Described = Pick<CaptureOf<unknown, Values>, 'name' | 'kind' | 'number' | 'filesBefore'> & {
  readonly codec: Pick<StateCodec<unknown>, 'code' | 'stride'>;
};

/** Keeps what runs through a file: its length, its counts, the chain of hashes. */
class FileEncoder {
  bytes = 0;
  hash = 0n;
  #entries = 0;
  #emptied = 0;

  constructor(private readonly context: StateFileContext) {}

  header({ name, codec, kind, number, filesBefore }: Described): Uint8Array {
    const continues = kind === 'base' ? 0 : (filesBefore.at(-1)?.number ?? 0);
    const owner = ownerOf(name, this.context);
    const { code, stride } = codec;
    const header = { version: STATE_FORMAT_VERSION, kind, codec: code, stride, number, continues, owner };
    const bytes = encodeStateHeader(header, this.context.hash);
    this.hash = seedOfHeader(bytes);
    this.bytes = bytes.length;
    return bytes;
  }

  entries<A extends Values>(encoder: EntriesEncoder<A>): Uint8Array {
    const { count } = encoder;
    this.#entries += count;
    return this.#block(BLOCK_ENTRIES, count, encoder.finish());
  }

  /** Empties the list. */
  emptied(slots: number[]): Uint8Array {
    const count = slots.length;
    this.#emptied += count;
    return this.#block(BLOCK_EMPTIED, count, encodeSlots(slots.splice(0)));
  }

  end(): Uint8Array {
    return this.#block(BLOCK_END, 0, encodeCounts(this.#entries, this.#emptied));
  }

  #block(kind: number, count: number, body: Uint8Array): Uint8Array {
    const { bytes, hash } = encodeBlock({ kind, count, body }, this.context.hash, this.hash);
    this.hash = hash;
    this.bytes += bytes.length;
    return bytes;
  }
}

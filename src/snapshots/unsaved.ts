import { streamIdOf } from '../wal/batch.js';
import type { Commit } from '../wal/commit.js';
import { viewOf } from '../wal/frame.js';
import { UnsavedChunks } from './unsaved-chunks.js';
import { UnsavedStream } from './unsaved-stream.js';

/** Entries of one commit, or of a part of a derived stream. */
export interface AddedEvents extends Pick<Commit, 'firstLsn' | 'events'> {
  readonly entries: readonly { readonly bytes: Uint8Array }[];
}

/** How much there was at one moment, between two commits. */
export interface UnsavedMark {
  readonly bytes: number;
  /** Chunks before this one hold nothing that came later. */
  readonly chunk: number;
  readonly streams: ReadonlyMap<number, { readonly entries: number; readonly rows: number }>;
}

/**
 * The events that are in no segment yet, in memory. Their entries are gathered in large chunks, and what must be known
 * of each is kept in flat arrays, so that commits of one event stay cheap.
 */
export class UnsavedEvents {
  private readonly chunks = new UnsavedChunks();
  private readonly byStream = new Map<number, UnsavedStream>();
  /** Those that are released by themselves: of streams that may be behind, or may have stopped. */
  private readonly apart = new Map<number, UnsavedEvents>();
  /** Bytes of the entries that are held, without those apart. */
  bytes = 0;
  /** Whether what is held here is waiting for a checkpoint. */
  isCounted = true;
  /** Whether it is of a version that is being built: readers do not see it yet. */
  isBuild = false;

  /** Bytes of all that waits for a checkpoint. */
  get bytesInAll(): number {
    let bytes = this.isCounted ? this.bytes : 0;
    for (const events of this.apart.values()) bytes += events.bytesInAll;
    return bytes;
  }

  /** A place of its own for the events of a stream: nothing else is added to it, and it has its own marks. */
  setApart(streamId: number): UnsavedEvents {
    const events = new UnsavedEvents();
    this.apart.set(streamId, events);
    return events;
  }

  /** Whether a stream is such a one: many of its rows may have one lsn, and an index tells them apart. */
  isApart(streamId: number): boolean {
    return this.apart.has(streamId);
  }

  /** The place of such a stream. */
  apartOf(streamId: number): UnsavedEvents {
    return this.apart.get(streamId)!;
  }

  /** Whether a version of the stream is being built. */
  isBuilding(streamId: number): boolean {
    return this.apart.get(streamId)?.isBuild ?? false;
  }

  /** Takes a copy of a commit's events. */
  add({ entries, firstLsn, events }: AddedEvents): void {
    for (const { bytes } of entries) {
      const { chunk, offset } = this.chunks.add(bytes);
      const rows = viewOf(bytes).getUint32(16, true);
      const place = { chunk, offset, length: bytes.length, firstLsn, lastLsn: firstLsn + events - 1, rows };
      this.of(streamIdOf(bytes)).add(place);
      this.bytes += bytes.length;
    }
  }

  private of(streamId: number): UnsavedStream {
    let stream = this.byStream.get(streamId);
    if (stream === undefined) this.byStream.set(streamId, (stream = new UnsavedStream(this.chunks)));
    return stream;
  }

  /** The events of a stream that readers see; `null` where none was added yet. */
  stream(streamId: number): UnsavedStream | null {
    return this.isBuilding(streamId) ? null : this.newest(streamId);
  }

  /** The same, of a version that is being built, where there is one. */
  newest(streamId: number): UnsavedStream | null {
    return this.apart.get(streamId)?.newest(streamId) ?? this.byStream.get(streamId) ?? null;
  }

  mark(): UnsavedMark {
    const streams = [...this.byStream].map(([id, { added, rows }]) => [id, { entries: added, rows }] as const);
    return { bytes: this.bytes, chunk: this.chunks.last, streams: new Map(streams) };
  }

  /** Lets go of what there was at a mark: it is in segments that a durable manifest names. Readers may still look at it. */
  release({ bytes, chunk, streams }: UnsavedMark): void {
    this.bytes -= bytes;
    for (const [id, { entries, rows }] of streams) this.of(id).release(entries, rows);
    this.chunks.release(chunk);
  }
}

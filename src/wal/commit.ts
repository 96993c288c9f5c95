import type { MillraceError } from '../errors.js';
import { fromCanonicalJson, toCanonicalJson } from './canonical-json.js';
import { EventEntryBuilder, type StreamLayout } from './event-entry.js';
import { METADATA } from './format.js';
import { type Entry, type EntrySource, encodeFrame, entriesOf, isEvents, recordSource, recordText } from './frame.js';
import { FramePool } from './frame-pool.js';
import type { Hash } from './hash.js';
import type { MetadataRecord } from './record.js';

/** A commit as it was read back from its frames' bytes: what apply and emit take, live and in replay. */
export interface Commit {
  readonly number: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly firstLsn: number;
  /** Events in all its frames. They have the lsns `firstLsn` to `firstLsn + events - 1`. */
  readonly events: number;
  /** The event entries of all frames. */
  readonly entries: readonly Entry[];
  readonly records: readonly MetadataRecord[];
}

/** Who waits for events of a commit. Told once for each run of events that came one after the other. */
export interface CommitReceipt {
  /** The events with the orders `firstOrder` to `firstOrder + count - 1` are as safe as the level promises, and applied. */
  committed(commit: Commit, firstOrder: number, count: number): void;
  failed(error: MillraceError): void;
}

/** The events of one stream in a commit that is filling: an entry per VGroup, and which key has which index there. */
export interface StreamEntries {
  readonly layout: StreamLayout;
  /** Distinct key → `index * 64 + vgroup`. What a key is, is the stream's matter. */
  readonly slots: Map<unknown, number>;
  entry(vgroup: number): EventEntryBuilder;
}

/** A part of a commit for one log file. */
export interface CommitFrame {
  readonly participant: number;
  readonly bytes: Uint8Array;
}

interface Run {
  readonly receipt: CommitReceipt;
  readonly firstOrder: number;
  count: number;
}

/** What a commit gets when it is sealed. */
export interface Seal {
  readonly number: number;
  readonly durable: number;
  readonly firstLsn: number;
  readonly time: number;
  /** Whether only the metadata frame goes to its file (level `off`): then it alone is the commit's participant. */
  readonly metadataOnly: boolean;
}

/** The commit that is filling. Sealing copies its bytes into frames, so the same builder fills again while they are written. */
export class CommitBuilder {
  events = 0;
  /** About how many bytes the frames will have, kept up by whoever adds rows. */
  bytes = 0;
  private runs: Run[] = [];
  private readonly pool = new FramePool();
  private records: MetadataRecord[] = [];
  private streams = new Map<StreamLayout, StreamBuilder>();

  get isEmpty(): boolean {
    return this.events === 0 && this.records.length === 0;
  }

  get recordCount(): number {
    return this.records.length;
  }

  stream(layout: StreamLayout): StreamEntries {
    let entries = this.streams.get(layout);
    if (entries === undefined) this.streams.set(layout, (entries = new StreamBuilder(layout)));
    return entries;
  }

  /** Counts `count` events that were just added to their entries with the orders from `this.events` on. */
  add(count: number, bytes: number, receipt: CommitReceipt): void {
    const last = this.runs.at(-1);
    if (last !== undefined && last.receipt === receipt) last.count += count;
    else this.runs.push({ receipt, firstOrder: this.events, count });
    this.events += count;
    this.bytes += bytes;
  }

  /** A record without events; the receipt is told with a count of 0. */
  addRecord(record: MetadataRecord, receipt?: CommitReceipt): void {
    this.records.push(record);
    if (receipt) this.runs.push({ receipt, firstOrder: this.events, count: 0 });
  }

  /** Encodes everything into frames and takes the waiting receipts out; `reset` makes the builder ready again. */
  seal(seal: Seal, hash: Hash, seedOf: (participant: number) => bigint): SealedCommit {
    const parts = this.parts();
    const logged = seal.metadataOnly ? parts.filter(({ participant }) => participant === METADATA) : parts;
    let participants = 0n;
    for (const part of logged) participants |= 1n << BigInt(part.participant);
    const about = { ...seal, commit: seal.number, participants, commitEvents: this.events };
    const frames = parts.map(({ participant, events, sources }) => ({
      participant,
      bytes: encodeFrame({ ...about, events }, sources, hash, seedOf(participant), (length) => this.pool.take(length)),
    }));
    const written = logged === parts ? frames : frames.filter(({ participant }) => participant === METADATA);
    return new SealedCommit(seal, this.events, this.records, frames, written, this.runs);
  }

  private parts(): Part[] {
    const parts: Part[] = [];
    for (const stream of this.streams.values()) stream.addTo(parts);
    const sources = this.records.map((record) => recordSource(toCanonicalJson(record)));
    if (sources.length > 0) parts[METADATA] = { participant: METADATA, sources, events: 0 };
    return parts.filter((part) => part !== undefined);
  }

  /** Whether someone whose events are in `commit` has more of them here. */
  continues(commit: SealedCommit): boolean {
    const receipts = commit.receipts;
    return this.runs.some(({ receipt }) => receipts.has(receipt));
  }

  /** The records that were added, which go to another commit. */
  takeRecords(): MetadataRecord[] {
    return this.records.splice(0);
  }

  /** Gives up what was added, which is in no file. */
  abandon(error: MillraceError): void {
    const runs = this.runs;
    for (const stream of this.streams.values()) stream.reset();
    this.reset();
    for (const { receipt } of runs) receipt.failed(error);
  }

  /** Takes back the memory of a commit that was applied; nobody may look into its bytes any more. */
  recycle(sealed: SealedCommit): void {
    for (const { bytes } of sealed.frames) this.pool.giveBack(bytes);
  }

  /** Forgets the events and keeps the arrays of the streams that were used, for the next commit. */
  reset(): void {
    for (const [layout, stream] of this.streams) {
      if (stream.isEmpty) this.streams.delete(layout);
      else stream.reset();
    }
    this.events = 0;
    this.bytes = 0;
    this.runs = [];
    this.records = [];
  }
}

/** What goes into one participant's frame. */
interface Part {
  readonly participant: number;
  readonly sources: EntrySource[];
  events: number;
}

class StreamBuilder implements StreamEntries {
  slots = new Map<unknown, number>();
  private readonly entries: (EventEntryBuilder | undefined)[] = [];

  constructor(readonly layout: StreamLayout) {}

  entry(vgroup: number): EventEntryBuilder {
    return (this.entries[vgroup] ??= new EventEntryBuilder(this.layout));
  }

  /** Adds the entries that have rows to the parts of their VGroups. */
  addTo(parts: Part[]): void {
    this.entries.forEach((entry, vgroup) => {
      if (entry === undefined || entry.rows === 0) return;
      parts[vgroup] ??= { participant: vgroup, sources: [], events: 0 };
      parts[vgroup].sources.push(entry.toEntry());
      parts[vgroup].events += entry.rows;
    });
  }

  get isEmpty(): boolean {
    return this.entries.every((entry) => entry === undefined || entry.rows === 0);
  }

  reset(): void {
    this.slots = new Map();
    for (const entry of this.entries) entry?.reset();
  }
}

/** A commit whose bytes are final. */
export class SealedCommit {
  constructor(
    readonly seal: Seal,
    readonly events: number,
    readonly records: readonly MetadataRecord[],
    readonly frames: readonly CommitFrame[],
    /** The frames that go to their files. */
    readonly written: readonly CommitFrame[],
    private readonly runs: readonly Run[],
  ) {}

  get bytes(): number {
    return this.written.reduce((sum, frame) => sum + frame.bytes.length, 0);
  }

  /** Reads the commit back from its bytes. */
  decode(): Commit {
    const { number, time, firstLsn } = this.seal;
    return decodeCommit(
      { number, time, firstLsn, events: this.events },
      this.frames.map((frame) => frame.bytes),
    );
  }

  committed(commit: Commit): void {
    for (const { receipt, firstOrder, count } of this.runs) receipt.committed(commit, firstOrder, count);
  }

  failed(error: MillraceError): void {
    for (const { receipt } of this.runs) receipt.failed(error);
  }

  get receipts(): ReadonlySet<CommitReceipt> {
    return new Set(this.runs.map(({ receipt }) => receipt));
  }
}

/** Puts the entries of a commit's frames together. */
export function decodeCommit(about: Omit<Commit, 'entries' | 'records'>, frames: readonly Uint8Array[]): Commit {
  const entries: Entry[] = [];
  const records: MetadataRecord[] = [];
  for (const frame of frames) {
    for (const entry of entriesOf(frame)) {
      if (isEvents(entry)) entries.push(entry);
      else records.push(fromCanonicalJson(recordText(entry)) as MetadataRecord);
    }
  }
  return { ...about, entries, records };
}

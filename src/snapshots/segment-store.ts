import { concat, defer, Observable, Subject } from 'rxjs';
import type { StreamLayout } from '../wal/event-entry.js';
import { settleAll } from '../wal/settle-all.js';
import { computeClosed } from './compute.js';
import { LiveSegment, type SegmentPlace } from './live-segment.js';
import type { SegmentEntry } from './manifest.js';

/** Files that nobody reads just now stay open up to this many: to open one again means to read its directory again. */
const IDLE_FILES_MAX = 64;

/** The segments of a mill: those that the manifest names, and the files behind them. */
export class SegmentStore {
  private readonly byStream = new Map<number, readonly LiveSegment[]>();
  /** Those of versions that are being built. */
  private readonly builds = new Map<number, readonly LiveSegment[]>();
  private readonly known = new Map<number, LiveSegment>();
  /** Open and not in use, the longest unused first. */
  private idle: LiveSegment[] = [];
  private lastNumber: number;
  private isClosing = false;
  private readonly closing = new Subject<never>();
  private removing = 0;
  private whenRemoved: () => void = () => {};

  constructor(
    readonly place: SegmentPlace,
    private readonly layoutOf: (stream: number, version: number) => StreamLayout,
    entries: readonly SegmentEntry[],
  ) {
    this.lastNumber = entries.reduce((last, { number }) => Math.max(last, number), 0);
    this.replace(entries);
  }

  /** The segments of a stream, in the order of positions. */
  of(stream: number): readonly LiveSegment[] {
    return this.byStream.get(stream) ?? [];
  }

  /** Those of the version of a derived stream that is being built. */
  buildOf(stream: number): readonly LiveSegment[] {
    return this.builds.get(stream) ?? [];
  }

  /** What a manifest has to name. */
  get entries(): readonly SegmentEntry[] {
    return [...this.byStream.values(), ...this.builds.values()].flat().map(({ entry }) => entry);
  }

  get bytes(): number {
    let bytes = 0;
    for (const { entry } of this.known.values()) bytes += entry.info.bytes;
    return bytes;
  }

  /** A number for a new file. */
  takeNumber(): number {
    return ++this.lastNumber;
  }

  /** Takes these for the mill's segments: a durable manifest names them, and no others. Files of others go when no reader needs them. */
  replace(entries: readonly SegmentEntry[]): void {
    const named = new Set(entries.map(({ number }) => number));
    const gone = [...this.known.values()].filter(({ entry }) => !named.has(entry.number));
    this.byStream.clear();
    this.builds.clear();
    for (const entry of entries) {
      const { stream, version } = entry.info;
      let segment = this.known.get(entry.number);
      if (segment === undefined) {
        const layout = this.layoutOf(stream, version);
        segment = new LiveSegment(this.place, entry, layout, (unused) => this.unused(unused), this.closing);
        this.known.set(entry.number, segment);
      }
      const segments = entry.build ? this.builds : this.byStream;
      segments.set(stream, [...(segments.get(stream) ?? []), segment]);
    }
    for (const segment of gone) {
      this.known.delete(segment.entry.number);
      segment.retire();
    }
  }

  private unused(segment: LiveSegment): void {
    this.idle = this.idle.filter((other) => other !== segment && !other.isUsed);
    if (segment.isOver) {
      this.removing++;
      segment.remove().subscribe({ complete: () => this.removed() });
    } else if (segment.isOpen && !this.isClosing) {
      this.idle.push(segment);
      if (this.idle.length > IDLE_FILES_MAX)
        this.idle
          .shift()!
          .close()
          .subscribe({ error: () => {} });
    }
  }

  private removed(): void {
    this.removing--;
    if (this.removing === 0) this.whenRemoved();
  }

  /** Errors where a file is missing or has not the length that it should have. */
  check(): Observable<never> {
    return concat(...[...this.known.values()].map((segment) => defer(() => segment.check())));
  }

  /** Ends what reading there is, with an error, and closes all files, once those that are being removed are gone. */
  close(): Observable<never> {
    return defer(() => {
      this.isClosing = true;
      this.closing.error(computeClosed());
      return concat(
        this.allRemoved(),
        defer(() => settleAll([...this.known.values()].map((segment) => segment.close()))),
      );
    });
  }

  private allRemoved(): Observable<never> {
    return new Observable((subscriber) => {
      this.whenRemoved = () => subscriber.complete();
      if (this.removing === 0) subscriber.complete();
    });
  }
}

import type { Retained } from '../../src/snapshots/manifest.js';
import { Violation } from './simulation-driver.js';
import { timeOf } from './simulation-events.js';
import type { Found, Offered } from './simulation-run.js';

/** What a mill decided on how far events are kept: only forward, only where someone wished it, never taken back. */
export class RetentionModel {
  private latestNow = 0;

  constructor(
    private readonly decisions = new Map<string, Retained>(),
    /** Milliseconds that events of a stream are kept: the least that was ever wished. */
    private readonly wished = new Map<string, number>(),
  ) {}

  copy(): RetentionModel {
    const copy = new RetentionModel(new Map(this.decisions), new Map(this.wished));
    copy.latestNow = this.latestNow;
    return copy;
  }

  /** A stream was declared with a retention. */
  declared(stream: string, milliseconds: number): void {
    this.wished.set(stream, Math.min(milliseconds, this.wished.get(stream) ?? Infinity));
  }

  isWished(stream: string): boolean {
    return this.wished.has(stream);
  }

  /** What the mill says just now. What it said before a crash, it must say afterwards. */
  decided(stream: string, decision: Retained | null, now: number): void {
    this.latestNow = Math.max(this.latestNow, now);
    const before = this.decisions.get(stream);
    if (decision === null) {
      if (before) throw new Violation(`what was decided on keeping ${stream} is forgotten`);
      return;
    }
    if (before && (decision.from < before.from || decision.lsn < before.lsn))
      throw new Violation(
        `${stream} was kept from ${before.from} on below ${before.lsn}, now from ${decision.from} on below ${decision.lsn}`,
      );
    if (decision.from > this.latestNow - (this.wished.get(stream) ?? Infinity))
      throw new Violation(`${stream} is kept from ${decision.from} on, which is too late at ${this.latestNow}`);
    this.decisions.set(stream, decision);
  }

  isGone({ event, lsn }: Found): boolean {
    const decision = this.decisions.get(event.kind.name);
    return decision !== undefined && lsn < decision.lsn && timeOf(event.row) < decision.from;
  }

  /** The same for an event of which it may not be known where it stands. */
  mayBeGone(event: Offered): boolean {
    return this.isGone({ event, lsn: event.place?.lsn ?? -1 });
  }
}

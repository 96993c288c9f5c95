import type { WalLevel } from '../../src/index.js';
import { Violation } from './simulation-driver.js';
import type { SchemaVersion, StreamKind } from './simulation-events.js';
import { RetentionModel } from './simulation-retention.js';

import {
  assertInOrder,
  assertPrefix,
  assertPromised,
  type Batch,
  type Ending,
  type Found,
  type Offered,
  type Place,
  Run,
  type Seen,
} from './simulation-run.js';

/** What was promised, over the whole life of a mill, and whether a recovery keeps it. */
export class Model {
  events: Offered[] = [];
  /** What the last recovery gave: durable from then on, whatever comes. */
  known: readonly Found[] = [];
  retention = new RetentionModel();
  private run = new Run('sync');
  private readonly ownerOfLsn = new Map<number, Offered>();
  private fingerprintOf = new Map<string, string>();
  private stateOf = new Map<string, string>();
  private lsnFloor = 0;
  private highestLsn = 0;

  /** Another one of the same mill, which is not running, to try out what may become of it. */
  copy(): Model {
    const copy = new Model();
    const { events, known, retention, fingerprintOf, stateOf, lsnFloor, highestLsn } = this;
    const others = events.map((event) => ({ ...event }));
    const copied = known.map(({ event, lsn }) => ({ event: others[event.id]!, lsn }));
    for (const { event, lsn } of copied) copy.ownerOfLsn.set(lsn, event);
    return Object.assign(copy, {
      events: others,
      known: copied,
      retention: retention.copy(),
      // The same in all of them.
      fingerprintOf,
      stateOf,
      lsnFloor,
      highestLsn,
    });
  }

  /** What subscribers saw since the last start. */
  get seen(): readonly Seen[] {
    return this.run.seen;
  }

  /** What can be read now, if nothing is being written. */
  get kept(): readonly Found[] {
    return [...this.known, ...this.seen].filter((one) => !this.retention.isGone(one));
  }

  /** A checkpoint completed. It began when so many events had been seen since the start. */
  checkpointed(seen: number): void {
    this.run.saved = seen;
  }

  offer(kind: StreamKind, version: SchemaVersion, count: number): Batch {
    const batch = Array.from({ length: count }, (): Offered => {
      const id = this.events.length;
      const event = { id, kind, row: kind.event(id, version), place: null, voidBecause: null };
      this.events.push(event);
      return event;
    });
    this.run.batches.push(batch);
    return batch;
  }

  /** The first event of a batch takes its place in the order just now. */
  arrived(batch: Batch): void {
    if (batch[0]) this.run.arrivals.push(batch[0]);
  }

  /** A subscriber got an event. */
  observed(event: Offered, place: Place & { readonly commit: number }, now: number): void {
    if (event.voidBecause) throw new Violation(`event ${event.id} was emitted although ${event.voidBecause}`);
    if (event.place) throw new Violation(`event ${event.id} was emitted twice`);
    if (place.lsn < this.lsnFloor || place.lsn <= (this.seen.at(-1)?.lsn ?? 0))
      throw new Violation(`event ${event.id} was emitted with lsn ${place.lsn} after a higher one`);
    this.settle(event, place);
    this.run.seen.push({ ...place, event });
    this.run.seenAt.set(event, now);
  }

  /** A fingerprint was told: it is that of every mill with the same events and streams, and of no other. */
  printed(state: string, fingerprint: string): void {
    const before = this.fingerprintOf.get(state) ?? fingerprint;
    if (before !== fingerprint) throw new Violation(`the fingerprint was ${before}, now it is ${fingerprint}`);
    const other = this.stateOf.get(fingerprint) ?? state;
    if (other !== state) throw new Violation(`the fingerprint ${fingerprint} was that of something else`);
    this.fingerprintOf.set(state, fingerprint);
    this.stateOf.set(fingerprint, state);
  }

  /** An append was acknowledged: its events were emitted before, and stand from `firstLsn` to `lastLsn`. */
  acknowledged(batch: Batch, firstLsn: number, lastLsn: number): void {
    const unseen = batch.find(({ place }) => place === null);
    if (unseen) throw new Violation(`event ${unseen.id} was acknowledged and never emitted`);
    if (batch.length > 0 && (batch[0]!.place!.lsn !== firstLsn || batch.at(-1)!.place!.lsn !== lastLsn))
      throw new Violation(
        `events from ${batch[0]!.id} on were acknowledged with other lsns than they were emitted with`,
      );
  }

  /** An append was rejected with a code that says that what was not emitted by now is not in the log. */
  notWritten(batch: Batch, code: string): void {
    for (const event of batch) if (event.place === null) event.voidBecause ??= `it was rejected with ${code}`;
  }

  ended(ending: Ending): void {
    this.run.endings.push(ending);
  }

  /** A start came through at this level. */
  recovered(found: readonly Found[], nextLsn: number, level: WalLevel): void {
    if (nextLsn <= this.highestLsn)
      throw new Violation(`the next lsn after recovery is ${nextLsn}, but ${this.highestLsn} was given before`);
    this.check(found);
    for (const one of found) this.settle(one.event, one);
    this.known = found;
    this.forget(this.run, 'a recovery had come without it');
    this.lsnFloor = nextLsn;
    this.run = new Run(level);
  }

  private forget(run: Run, why: string): void {
    const kept = new Set(this.known.map(({ event }) => event));
    for (const batch of run.batches) for (const event of batch) if (!kept.has(event)) event.voidBecause ??= why;
  }

  /** Whether a recovery may give this, after further starts that did not get through. Changes nothing. */
  check(found: readonly Found[], furtherEndings: readonly Ending[] = []): void {
    const { run, retention } = this;
    found.forEach((one, at) => {
      if (at > 0 && found[at - 1]!.lsn >= one.lsn)
        throw new Violation(`lsn ${one.lsn} stands behind ${found[at - 1]!.lsn}`);
    });
    const ids = new Set(found.map(({ event }) => event));
    if (ids.size !== found.length) throw new Violation('an event came back twice');
    const gone = found.find((one) => retention.isGone(one));
    if (gone) throw new Violation(`event ${gone.event.id} is there, but retention took it`);
    const known = this.known.filter((one) => !retention.isGone(one));
    known.forEach((one, at) => {
      if (found[at]?.event !== one.event || found[at].lsn !== one.lsn)
        throw new Violation(`event ${one.event.id} (lsn ${one.lsn}), recovered before, is not where it was`);
    });
    const added = found.slice(known.length);
    for (const one of added) this.assertMayCome(one);
    const isThere = (event: Offered) => ids.has(event) || retention.mayBeGone(event);
    assertPrefix(run, isThere, ids, added.at(-1)?.lsn ?? 0);
    assertInOrder(run, found);
    assertPromised(run, [...run.endings, ...furtherEndings], isThere);
  }

  private assertMayCome({ event, ...place }: Found): void {
    if (event.voidBecause) throw new Violation(`event ${event.id} came back although ${event.voidBecause}`);
    if (event.place && event.place.lsn !== place.lsn)
      throw new Violation(`event ${event.id} came back at lsn ${place.lsn}, but it was emitted at ${event.place.lsn}`);
  }

  private settle(event: Offered, { lsn }: Place): void {
    const owner = this.ownerOfLsn.get(lsn);
    if (owner && owner !== event)
      throw new Violation(`lsn ${lsn} was given to event ${event.id}, and to ${owner.id} before`);
    this.ownerOfLsn.set(lsn, event);
    this.highestLsn = Math.max(this.highestLsn, lsn);
    event.place = { lsn };
  }
}

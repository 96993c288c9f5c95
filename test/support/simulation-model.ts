import type { WalLevel } from '../../src/index.js';
import { Violation } from './simulation-driver.js';
import type { Row, SchemaVersion, StreamKind } from './simulation-events.js';

/** An event that was handed to the mill, and what became known of it. */
export interface Offered {
  readonly id: number;
  readonly kind: StreamKind;
  readonly row: Row;
  /** Where it was seen to stand: by a subscriber, or after a recovery. */
  place: Place | null;
  /** Why it must never be seen (again): it was rejected as not written, or a recovery came without it. */
  voidBecause: string | null;
}

export interface Place {
  readonly lsn: number;
  readonly commit: number;
  readonly commitTime: number;
}

/** An event as it was read. That its columns are those that were appended is checked already. */
export interface Found extends Place {
  readonly event: Offered;
}

/** Events that one call appends, in this order. */
export type Batch = readonly Offered[];

/** How the time between two starts ended, and what was safe then. */
export interface Ending {
  readonly how: 'close' | 'kill' | 'cut';
  /** The last commit that the mill said was synced. */
  readonly durableCommit: number;
  /** What was seen before this time was due to be synced, also at level `flush`. */
  readonly syncedBefore: number;
}

/** What happened since a start, as far as the next recovery has to do with it. */
class Run {
  readonly batches: Batch[] = [];
  /** Events that must get their lsns in this order, for they were appended one after the other. */
  readonly arrivals: Offered[] = [];
  /** What subscribers saw, in order. */
  readonly seen: Found[] = [];
  readonly seenAt = new Map<Offered, number>();
  /** The first is how this run ended; others are of starts that did not get through. */
  readonly endings: Ending[] = [];

  constructor(readonly level: WalLevel) {}
}

/** What was promised, over the whole life of a mill, and whether a recovery keeps it. */
export class Model {
  readonly events: Offered[] = [];
  /** What the last recovery gave: durable from then on, whatever comes. */
  known: readonly Found[] = [];
  private run = new Run('sync');
  /** The last run whose events are in the log. Runs at level `off`, of which nothing is, may have followed it. */
  private loggedRun = this.run;
  private readonly ownerOfLsn = new Map<number, Offered>();
  private lsnFloor = 0;
  private highestLsn = 0;

  /** What subscribers saw since the last start. */
  get seen(): readonly Found[] {
    return this.run.seen;
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
  observed(event: Offered, place: Place, now: number): void {
    if (event.voidBecause) throw new Violation(`event ${event.id} was emitted although ${event.voidBecause}`);
    if (event.place) throw new Violation(`event ${event.id} was emitted twice`);
    if (place.lsn < this.lsnFloor || place.lsn <= (this.seen.at(-1)?.lsn ?? 0))
      throw new Violation(`event ${event.id} was emitted with lsn ${place.lsn} after a higher one`);
    this.settle(event, place);
    this.run.seen.push({ ...place, event });
    this.run.seenAt.set(event, now);
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

  /** A start came through at this level. `found` is null where history cannot be read: at level `off`. */
  recovered(found: readonly Found[] | null, nextLsn: number, level: WalLevel): void {
    if (nextLsn <= this.highestLsn)
      throw new Violation(`the next lsn after recovery is ${nextLsn}, but ${this.highestLsn} was given before`);
    if (this.run.level === 'off') this.forget(this.run, 'it was appended at level off');
    if (found) {
      this.check(found);
      for (const one of found.slice(this.known.length)) this.settle(one.event, one);
      this.known = found;
      this.forget(this.loggedRun, 'a recovery had come without it');
    }
    this.lsnFloor = nextLsn;
    this.run = new Run(level);
    if (found) this.loggedRun = this.run;
  }

  private forget(run: Run, why: string): void {
    const kept = new Set(this.known.map(({ event }) => event));
    for (const batch of run.batches) for (const event of batch) if (!kept.has(event)) event.voidBecause ??= why;
  }

  /** Whether a recovery may give this, after further starts that did not get through. Changes nothing. */
  check(found: readonly Found[], furtherEndings: readonly Ending[] = []): void {
    const run = this.loggedRun;
    found.forEach((one, at) => {
      if (at > 0 && found[at - 1]!.lsn >= one.lsn)
        throw new Violation(`lsn ${one.lsn} stands behind ${found[at - 1]!.lsn}`);
    });
    const ids = new Set(found.map(({ event }) => event));
    if (ids.size !== found.length) throw new Violation('an event came back twice');
    this.known.forEach((known, at) => {
      if (found[at]?.event !== known.event || !isSamePlace(found[at], known))
        throw new Violation(`event ${known.event.id} (lsn ${known.lsn}), recovered before, is not where it was`);
    });
    const added = found.slice(this.known.length);
    for (const one of added) this.assertMayCome(one);
    assertPrefix(run, ids, added.at(-1)?.lsn ?? 0);
    assertInOrder(run, found);
    assertPromised(run, [...run.endings, ...furtherEndings], ids);
  }

  private assertMayCome({ event, ...place }: Found): void {
    if (event.voidBecause) throw new Violation(`event ${event.id} came back although ${event.voidBecause}`);
    if (event.place && !isSamePlace(event.place, place))
      throw new Violation(`event ${event.id} came back at lsn ${place.lsn}, but it was emitted at ${event.place.lsn}`);
  }

  private settle(event: Offered, { lsn, commit, commitTime }: Place): void {
    const owner = this.ownerOfLsn.get(lsn);
    if (owner && owner !== event)
      throw new Violation(`lsn ${lsn} was given to event ${event.id}, and to ${owner.id} before`);
    this.ownerOfLsn.set(lsn, event);
    this.highestLsn = Math.max(this.highestLsn, lsn);
    event.place = { lsn, commit, commitTime };
  }
}

/** What came back leaves nothing out that stands before its end, and has the order in which it was appended. */
function assertPrefix(run: Run, ids: ReadonlySet<Offered>, lastLsn: number): void {
  const hole = run.seen.find(({ event, lsn }) => lsn <= lastLsn && !ids.has(event));
  if (hole) throw new Violation(`event ${hole.event.id} (lsn ${hole.lsn}) is missing, later ones came back`);
  for (const batch of [...run.batches, run.arrivals]) {
    const written = batch.filter((event) => event.voidBecause === null);
    const missing = written.findIndex((event) => !ids.has(event));
    const later = missing < 0 ? undefined : written.slice(missing).find((event) => ids.has(event));
    if (later) throw new Violation(`event ${later.id} came back, ${written[missing]!.id} before it did not`);
  }
}

function assertInOrder(run: Run, found: readonly Found[]): void {
  const orderOf = new Map(found.map(({ event }, at) => [event, at]));
  for (const batch of [...run.batches, run.arrivals]) {
    const orders = batch.flatMap((event) => orderOf.get(event) ?? []);
    const moved = orders.find((order, at) => at > 0 && order < orders[at - 1]!);
    if (moved !== undefined)
      throw new Violation(`event ${found[moved]!.event.id} stands before one that was appended before it`);
  }
}

/** What the level promised has come back. */
function assertPromised(run: Run, endings: readonly Ending[], ids: ReadonlySet<Offered>): void {
  if (run.level === 'off') return;
  const [first] = endings;
  const isSafe = run.level === 'sync' || first?.how === 'close' || endings.every(({ how }) => how !== 'cut');
  const lost = run.seen.find(({ event, commit }) => {
    const isPromised = isSafe || commit <= first!.durableCommit || run.seenAt.get(event)! < first!.syncedBefore;
    return isPromised && !ids.has(event);
  });
  if (!lost) return;
  const story = `level ${run.level}, then ${endings.map(({ how }) => how).join(', ')}`;
  throw new Violation(`event ${lost.event.id} (lsn ${lost.lsn}, commit ${lost.commit}) is lost: ${story}`);
}

function isSamePlace(left: Place, right: Place): boolean {
  return left.lsn === right.lsn && left.commit === right.commit && left.commitTime === right.commitTime;
}

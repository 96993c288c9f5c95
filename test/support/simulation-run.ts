import type { WalLevel } from '../../src/index.js';
import { Violation } from './simulation-driver.js';
import type { Row, StreamKind } from './simulation-events.js';

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
}

/** An event as it was read. That its columns are those that were appended is checked already. */
export interface Found extends Place {
  readonly event: Offered;
}

/** An event as a subscriber saw it. */
export interface Seen extends Found {
  readonly commit: number;
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
export class Run {
  readonly batches: Batch[] = [];
  /** Events that must get their lsns in this order, for they were appended one after the other. */
  readonly arrivals: Offered[] = [];
  /** What subscribers saw, in order. */
  readonly seen: Seen[] = [];
  readonly seenAt = new Map<Offered, number>();
  /** So many of `seen` came before the last checkpoint that completed began. */
  saved = 0;
  /** The first is how this run ended; others are of starts that did not get through. */
  readonly endings: Ending[] = [];

  constructor(readonly level: WalLevel) {}
}

/** What came back leaves nothing out that stands before its end, and has the order in which it was appended. */
export function assertPrefix(
  run: Run,
  isThere: (event: Offered) => boolean,
  ids: ReadonlySet<Offered>,
  lastLsn: number,
): void {
  const hole = run.seen.find(({ event, lsn }) => lsn <= lastLsn && !isThere(event));
  if (hole) throw new Violation(`event ${hole.event.id} (lsn ${hole.lsn}) is missing, later ones came back`);
  for (const batch of [...run.batches, run.arrivals]) {
    const written = batch.filter((event) => event.voidBecause === null);
    const missing = written.findIndex((event) => !isThere(event));
    const later = missing < 0 ? undefined : written.slice(missing).find((event) => ids.has(event));
    if (later) throw new Violation(`event ${later.id} came back, ${written[missing]!.id} before it did not`);
  }
}

export function assertInOrder(run: Run, found: readonly Found[]): void {
  const orderOf = new Map(found.map(({ event }, at) => [event, at]));
  for (const batch of [...run.batches, run.arrivals]) {
    const orders = batch.flatMap((event) => orderOf.get(event) ?? []);
    const moved = orders.find((order, at) => at > 0 && order < orders[at - 1]!);
    if (moved !== undefined)
      throw new Violation(`event ${found[moved]!.event.id} stands before one that was appended before it`);
  }
}

/** What the level promised has come back. */
export function assertPromised(run: Run, endings: readonly Ending[], isThere: (event: Offered) => boolean): void {
  const [first] = endings;
  const isAllSafe = run.level === 'sync' || first?.how === 'close';
  const survivesKills = run.level === 'flush' && endings.every(({ how }) => how !== 'cut');
  const isSynced = ({ event, commit }: Seen) =>
    run.level === 'flush' && (commit <= first!.durableCommit || run.seenAt.get(event)! < first!.syncedBefore);
  const lost = run.seen.find((one, at) => {
    const isPromised = isAllSafe || survivesKills || at < run.saved || isSynced(one);
    return isPromised && !isThere(one.event);
  });
  if (!lost) return;
  const story = `level ${run.level}, then ${endings.map(({ how }) => how).join(', ')}`;
  throw new Violation(`event ${lost.event.id} (lsn ${lost.lsn}, commit ${lost.commit}) is lost: ${story}`);
}

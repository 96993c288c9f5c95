import { concat, concatMap, defer, finalize, from, map, type Observable, type SchedulerLike, toArray } from 'rxjs';
import type { ManifestDerived } from '../../../snapshots/manifest.js';
import { scanOf } from '../../history/scan-of.js';
import { Slices } from '../../history/slices.js';
import { CatchUp } from '../catch-up.js';
import { Derivations } from '../derivations.js';
import type { DeclaredDerivation } from '../load.js';
import { streamNumbers } from '../turns.js';
import { ComparedDerivation } from './compared-derivation.js';
import type { ReplayedMill } from './replayed-mill.js';
import type { NotReplayed, Replayed, ReplayReport } from './report.js';

/** So many derived rows are held before they are compared. */
const ROWS_HELD_MAX = 16_384;

/**
 * Lets the pipelines of a mill have all their turns again, from the first one on, with the code that gives them their turns in a mill,
 * and compares what they give with what is stored. Nothing is changed.
 *
 * Errors with SchemaError `SCHEMA_CHANGED` where a pipeline is not the one whose state was saved, and with `CORRUPT_SEGMENT` and `CORRUPT_STATE`.
 */
export function replay(mill: ReplayedMill): Observable<ReplayReport> {
  return defer(() => {
    const { derived: stored = [] } = mill.manifest.current;
    const { derivations } = mill.declared;
    const known = stored.filter((entry) => derivations.some((declared) => isOf(entry, declared)));
    // One that stopped, or is behind, stands elsewhere than the others: what it is to be compared with is how all were there.
    const places = [...new Set(known.map(({ processedTo }) => processedTo))].toSorted((a, b) => a - b);
    return from(places).pipe(
      concatMap((until) => replayTo(mill, until)),
      toArray(),
      map((found): ReplayReport => {
        const derived = derivations.flatMap(({ name }) =>
          found.flatMap((one) => (one.of === name ? one.replayed : [])),
        );
        const same = derived.every(({ difference }) => difference === null);
        return { same, derived, notReplayed: notReplayed(derivations, stored) };
      }),
    );
  });
}

type Declared = Pick<DeclaredDerivation, 'name' | 'version'>;

function isOf({ name, version }: ManifestDerived, declared: Declared): boolean {
  return declared.name === name && declared.version === version;
}

function notReplayed(declared: readonly Declared[], stored: readonly ManifestDerived[]): NotReplayed[] {
  const found = declared.flatMap((one): NotReplayed[] => {
    const entry = stored.find(({ name }) => name === one.name);
    if (entry === undefined) return [{ name: one.name, why: 'new' }];
    return isOf(entry, one) ? [] : [{ name: one.name, why: 'version' }];
  });
  const undeclared = stored.filter((entry) => !declared.some(({ name }) => name === entry.name));
  return [...found, ...undeclared.map(({ name }): NotReplayed => ({ name, why: 'undeclared' }))];
}

interface Found {
  /** The name of the derivation. */
  readonly of: string;
  readonly replayed: Replayed;
}

/** All derivations up to an lsn, of which those are compared that stand there. */
function replayTo(mill: ReplayedMill, until: number): Observable<Found> {
  return defer(() => {
    const { manifest, declared, scheduler, catalog } = mill;
    const derivations = new Derivations(declared.derivations, manifest.current, declared.ticks);
    const compared = derivations.running.map((running) => new ComparedDerivation(running, until, mill));
    const compareRows = () => from(compared).pipe(concatMap((one) => one.compareRows()));
    const slices = new ComparingSlices(scheduler, compareRows);
    const catchUp = new CatchUp(derivations.all, {
      nextLsn: () => until,
      numberOf: streamNumbers(catalog),
      scan: (stream, lsn) => scanOf(mill, stream, lsn),
      slices,
      isFull: () => compared.reduce((held, one) => held + one.held, 0) >= ROWS_HELD_MAX,
      isTold: true,
    });
    return concat(
      catchUp.run(),
      defer(compareRows),
      from(compared).pipe(concatMap((one) => one.compareKeys(slices))),
      defer(() => from(compared.flatMap((one) => one.results.map((replayed) => ({ of: one.name, replayed }))))),
    ).pipe(
      finalize(() => {
        for (const derivation of derivations.all) derivation.unsubscribe();
      }),
    );
  });
}

/** While nobody derives, what was derived is compared. */
class ComparingSlices extends Slices {
  constructor(
    scheduler: SchedulerLike,
    private readonly compare: () => Observable<never>,
  ) {
    super(scheduler);
  }

  override pause(): Observable<never> {
    return concat(defer(this.compare), super.pause());
  }
}

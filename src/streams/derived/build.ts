import type { KeptRows, Manifest, ManifestBuild, ManifestDerived, SegmentEntry } from '../../snapshots/manifest.js';
import type { SegmentStore } from '../../snapshots/segment-store.js';
import type { Catalog } from '../catalog.js';
import { mayBeGone } from '../retention.js';
import type { Derivation } from './derivation.js';

/** A version of a derived stream or table that is being built from history, while readers have the one before it. */
export interface Build {
  /** Where it stands, as the manifest says; it begins there. */
  readonly saved: ManifestBuild;
  /** Rows from this lsn on are new to those who listen: the version before it gave those below. */
  readonly toldFrom: number;
}

/**
 * The build of a derivation that is declared with a higher version than the manifest has; `null` where there is none.
 *
 * @param outputs the names of the streams with its rows
 */
export function buildOf(
  { version, shape, inputs }: Derivation,
  outputs: readonly string[],
  entry: ManifestDerived | undefined,
  processesHistory: boolean,
  places: Places,
): Build | null {
  if (entry === undefined || entry.version >= version) return null;
  const toldFrom = entry.processedTo;
  const { build } = entry;
  // Without history, it goes on where the version before it stopped: nothing is left out between the two.
  const processedTo = processesHistory ? 0 : toldFrom;
  const wholeFrom = inputs.map(({ name }) => historyIsWholeFrom(name, places));
  const from = processesHistory ? Math.max(0, ...wholeFrom) : Infinity;
  const kept = from > 0 ? outputs.flatMap((stream) => keptRows(stream, from, places)) : [];
  if (build?.version === version && build.shape.join('\n') === shape.join('\n')) {
    // Where more of the history was cut before it came there, more of the old rows must stay: it begins anew.
    const isWhole = !processesHistory || from <= build.processedTo || areSame(kept, build.kept);
    if (isWhole) return { saved: build, toldFrom };
  }
  const begins = processesHistory ? {} : { processedFrom: processedTo };
  return { saved: { version, shape, processedTo, ...begins, states: [], kept }, toldFrom };
}

interface Places {
  readonly catalog: Catalog;
  readonly store: SegmentStore;
}

/** From which lsn on the history of a stream is whole; 0 where nothing was cut off. */
function historyIsWholeFrom(stream: string, { catalog, store }: Places): number {
  const { id } = catalog.find(stream)!;
  const retained = catalog.retained(id);
  if (retained === null) return 0;
  const blocks = store.of(id).flatMap(({ entry: { info } }) => info.blocks);
  return blocks.find((block) => !mayBeGone(block, retained))?.firstLsn ?? retained.lsn;
}

/** Old rows stay up to the end of the segment that has rows of before that lsn: windows across the cut are whole in it. */
function keptRows(stream: string, before: number, { catalog, store }: Places): KeptRows[] {
  const segments = store.of(catalog.find(stream)?.id ?? -1);
  const last = segments.findLast(({ firstLsn }) => firstLsn < before);
  return last === undefined ? [] : [{ stream, to: last.lastLsn }];
}

function areSame(kept: readonly KeptRows[], before: readonly KeptRows[]): boolean {
  return (
    kept.length === before.length &&
    kept.every(({ stream, to }, at) => stream === before[at]!.stream && to === before[at]!.to)
  );
}

/** Up to this lsn a stream keeps its old rows; -1 where it keeps none. */
export function keptTo({ saved }: Build, stream: string): number {
  return saved.kept.find((kept) => kept.stream === stream)?.to ?? -1;
}

/** The entry of a derivation whose build begins, or goes on; without one that is given up. */
export function withBuild(entry: ManifestDerived, build: ManifestBuild | null): ManifestDerived {
  const { build: _, ...rest } = entry;
  return build === null ? rest : { ...rest, build };
}

/** The segments of a mill in which these builds are in force, or never were: by stream number. */
export function segmentsAfter(
  { segments }: Pick<Manifest, 'segments'>,
  swapped: ReadonlyMap<number, number>,
  givenUp: ReadonlySet<number>,
): SegmentEntry[] {
  return segments.flatMap((segment) => {
    const { stream, blocks } = segment.info;
    if (segment.build) {
      if (givenUp.has(stream)) return [];
      return swapped.has(stream) ? [{ number: segment.number, info: segment.info }] : [segment];
    }
    const keptTo = swapped.get(stream);
    return keptTo !== undefined && blocks.at(-1)!.lastLsn > keptTo ? [] : [segment];
  });
}

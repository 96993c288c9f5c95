import { concat, concatMap, defer, EMPTY, from, map, type Observable, of, toArray } from 'rxjs';
import type { Compute } from '../snapshots/compute.js';
import { Transport } from '../snapshots/entry-list.js';
import { type LiveSegment, readersOf } from '../snapshots/live-segment.js';
import type { ManifestStream } from '../snapshots/manifest.js';
import { addSums, type BlockInfo, toHex } from '../snapshots/segment-format.js';
import type { SegmentReader } from '../snapshots/segment-reader.js';
import type { SumOptions } from '../snapshots/segments/canonical-row.js';
import { eachPortion } from '../snapshots/write-segment.js';
import { toCanonicalJson } from '../wal/canonical-json.js';
import type { ColumnLayout } from '../wal/column.js';
import type { Hash } from '../wal/hash.js';
import { layoutsOf } from './catalog.js';
import type { Derivations } from './derived/derivations.js';
import type { AnyState } from './derived/pipeline.js';
import { Slices } from './history/slices.js';
import type { HistoryContext } from './history/stream-history.js';
import { mayBeGone } from './retention.js';

export interface FingerprintOptions {
  /** Whether it matters where events stand. Default `true`. */
  readonly positions?: boolean;
}

/** Rows and the sum of their hashes. */
interface Sum {
  readonly rows: number;
  /** 16 hexadecimal digits. */
  readonly sum: string;
}

type FingerprintContext = HistoryContext & {
  readonly hash: Hash;
  readonly compute: Compute;
  readonly derivations: Derivations;
};

/**
 * The fingerprint of what is there now: xxhash64 of the canonical JSON list of `{ name, schema, rows, sum }` of all streams, by
 * name, then of `{ name, rows, sum }` of all tables. `sum` is that of `segments/canonical-row.ts`; what segments say of their blocks is not computed again.
 */
export function fingerprint(mill: FingerprintContext, { positions = true }: FingerprintOptions): Observable<string> {
  return defer(() => {
    const streams = mill.catalog.snapshot.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    // All are looked at now, and files are kept: what is committed while sums are computed is not in any of them.
    const parts = streams.map((stream) => partOf(mill, stream, positions));
    const tables = mill.derivations.tables.map(({ name, state }) => tableOf(name, state, mill));
    const segments = parts.flatMap((part) => part.segments);
    return readersOf(segments, (readers) => {
      const readerOf = new Map(segments.map((segment, at) => [segment, readers[at]!]));
      const streamParts = from(parts).pipe(
        concatMap((part) => sumOf(part, readerOf).pipe(map((sum) => ({ ...part.about, ...sum })))),
      );
      return concat(streamParts, ...tables).pipe(
        toArray(),
        map((sums) => toHex(mill.hash(Buffer.from(toCanonicalJson(sums))))),
      );
    });
  });
}

/** What is summed of one stream. */
interface Part {
  readonly about: { readonly name: string; readonly schema: readonly ColumnLayout[] };
  readonly segments: readonly LiveSegment[];
  readonly inMemory: Observable<Sum>;
  readonly options: SumOptions;
}

/** A declaration that is still on its way into the log counts for nothing. */
function partOf(mill: FingerprintContext, { id, name, versions, retained }: ManifestStream, positions: boolean): Part {
  const { store, unsaved, compute } = mill;
  const options = { positions, retained };
  const parameters = { ...layoutsOf({ id, versions }), indexed: unsaved.isApart(id), ...options };
  const events = unsaved.stream(id);
  const entries = events?.allEntries() ?? null;
  return {
    about: { name, schema: versions.at(-1)! },
    segments: store.of(id),
    inMemory:
      entries === null
        ? EMPTY
        : eachPortion('sumEntries', parameters, { entries, compute, transport: new Transport() }).pipe(
            map((answer) => answer as Sum),
          ),
    options,
  };
}

/** What is there of a table now; it goes on changing while that is computed. */
function tableOf(name: string, state: AnyState, { hash, scheduler }: FingerprintContext): Observable<Sum> {
  const rows = state.size;
  const slices = state.sumInSlices(hash);
  let slice = slices.next();
  return concat(
    new Slices(scheduler).steps(() => {
      if (slice.done) return null;
      slice = slices.next();
      return EMPTY;
    }),
    defer(() => of({ name, rows, sum: toHex(slice.value as bigint) })),
  );
}

function sumOf(
  { segments, inMemory, options }: Part,
  readerOf: ReadonlyMap<LiveSegment, SegmentReader>,
): Observable<Sum> {
  const blocks = segments.flatMap((segment) =>
    segment.entry.info.blocks.map((block, at) => ({ block, at, reader: readerOf.get(segment)! })),
  );
  const { positions, retained } = options;
  const sumOfBlock = (block: BlockInfo, at: number, reader: SegmentReader): Observable<Sum> => {
    return positions && !mayBeGone(block, retained)
      ? of({ rows: block.rows, sum: block.sum })
      : reader.sumOfKept(at, options);
  };
  const saved = from(blocks).pipe(concatMap(({ block, at, reader }) => sumOfBlock(block, at, reader)));
  return concat(saved, inMemory).pipe(toArray(), map(added));
}

function added(sums: readonly Sum[]): Sum {
  return { rows: sums.reduce((total, { rows }) => total + rows, 0), sum: addSums(sums.map(({ sum }) => sum)) };
}

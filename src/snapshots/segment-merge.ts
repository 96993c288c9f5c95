import { concat, defer, ignoreElements, type Observable, switchMap, tap } from 'rxjs';
import type { StorageFile } from '../storage/storage.js';
import type { StreamLayout } from '../wal/event-entry.js';
import { steps } from '../wal/steps.js';
import { type Compute, resultOf } from './compute.js';
import type { BlockInfo, SegmentInfo } from './segment-format.js';
import type { SegmentReader } from './segment-reader.js';
import { SegmentWriter } from './segment-writer.js';
import { BlockMemory } from './segments/block-memory.js';
import { type BlockOf, type MergeStep, planMerge } from './segments/merge-plan.js';
import type { SortParameters } from './segments/sort-blocks.js';

export interface MergeOptions {
  /** The layout that the merged segment gets. Segments with an older version of the schema are written anew, their rows kept. */
  readonly layout: StreamLayout;
  readonly compute: Compute;
  /** Blocks of which nothing is kept; there must be others. */
  readonly isGone?: (block: BlockInfo) => boolean;
}

/**
 * Merges segments of one stream, given in the order of their positions, into one: blocks are copied byte by byte and never
 * sorted again, but for small ones, which would stay small for ever and make a segment slow to read. Holds the
 * blocks of one step in memory, whatever the segments' size. Everything that is copied is checked on its way.
 *
 * Writes `target` from its beginning and emits what the manifest is to say of it; to sync it is the caller's part.
 */
export function mergeSegments(
  sources: readonly SegmentReader[],
  target: StorageFile,
  options: MergeOptions,
): Observable<SegmentInfo> {
  return defer(() => new Merge(sources, target, options).run());
}

class Merge {
  private readonly indexed: boolean;
  private readonly writer: SegmentWriter;
  private readonly memory = new BlockMemory();

  constructor(
    private readonly sources: readonly SegmentReader[],
    target: StorageFile,
    private readonly options: MergeOptions,
  ) {
    this.indexed = sources[0]?.info.indexed ?? false;
    this.writer = new SegmentWriter(target, { ...options, indexed: this.indexed });
  }

  run(): Observable<SegmentInfo> {
    const infos = this.sources.map((source) => source.info);
    const plan = planMerge(infos, this.options.layout.version, this.options.isGone);
    let next = 0;
    return concat(
      this.writer.begin(),
      steps(() => (next < plan.length ? this.step(plan[next++]!) : null)),
      defer(() => this.writer.finish()),
    );
  }

  private step(step: MergeStep): Observable<unknown> {
    return step.kind === 'sort' ? this.sort(step.blocks) : this.copy(step);
  }

  private copy({ segment, block }: BlockOf): Observable<unknown> {
    const memory = this.memory.loan();
    return this.sources[segment]!.checkedBlock(block, memory).pipe(
      switchMap((checked) => this.writer.copy(checked)),
      tap({ complete: () => memory.giveBack() }),
    );
  }

  private sort(blocks: readonly BlockOf[]): Observable<unknown> {
    const input: Uint8Array[] = [];
    const read = concat(
      ...blocks.map(({ segment, block }) =>
        this.sources[segment]!.checkedBlock(block).pipe(tap(({ bytes, entryBytes }) => input.push(entryBytes, bytes))),
      ),
    );
    return concat(
      read.pipe(ignoreElements()),
      defer(() => this.sorted(blocks, input)),
    );
  }

  private sorted(blocks: readonly BlockOf[], input: readonly Uint8Array[]): Observable<unknown> {
    const { layout, compute } = this.options;
    const parameters: SortParameters = {
      layout,
      indexed: this.indexed,
      blocks: blocks.map(({ segment, block }) => ({
        layout: this.sources[segment]!.layout,
        sum: this.sources[segment]!.info.blocks[block]!.sum,
      })),
    };
    return resultOf(compute, { name: 'sortBlocks', parameters, input }).pipe(
      switchMap((result) => this.writer.add(result)),
    );
  }
}

import { concat, defer, ignoreElements, map, type Observable, of, switchMap, tap } from 'rxjs';
import type { StorageFile } from '../storage/storage.js';
import type { StreamLayout } from '../wal/event-entry.js';
import { steps } from '../wal/steps.js';
import type { Compute } from './compute.js';
import type { SegmentInfo } from './segment-format.js';
import type { SegmentReader } from './segment-reader.js';
import { type MergeStep, planMerge } from './segments/merge-plan.js';
import { BlockPlaces, type SealParameters } from './segments/seal.js';
import type { SortedBlocks, SortParameters } from './segments/sort-blocks.js';

export interface MergeOptions {
  /** The layout that the merged segment gets. Segments with an older version of the schema are written anew, their rows kept. */
  readonly layout: StreamLayout;
  readonly compute: Compute;
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
  private places = new BlockPlaces(0);

  constructor(
    private readonly sources: readonly SegmentReader[],
    private readonly target: StorageFile,
    private readonly options: MergeOptions,
  ) {
    this.indexed = sources[0]?.info.indexed ?? false;
  }

  run(): Observable<SegmentInfo> {
    const infos = this.sources.map((source) => source.info);
    const plan = planMerge(infos, this.options.layout.version);
    let next = 0;
    const eachStep = steps(() => (next < plan.length ? this.step(plan[next++]!) : null));
    return concat(
      // The blocks begin behind the head, which depends on the layout alone.
      this.seal().pipe(
        tap(({ head }) => (this.places = new BlockPlaces(head.length))),
        ignoreElements(),
      ),
      eachStep,
      defer(() => this.finish()),
    );
  }

  private seal(): Observable<{ readonly head: Uint8Array; readonly tail: Uint8Array; readonly info: SegmentInfo }> {
    const { blocks, directory } = this.places;
    const parameters: SealParameters = { layout: this.options.layout, indexed: this.indexed, blocks };
    return this.options.compute
      .run({ name: 'sealSegment', parameters, input: directory })
      .pipe(map(({ output, answer }) => ({ head: output[0]!, tail: output[1]!, info: answer as SegmentInfo })));
  }

  private step(step: MergeStep): Observable<unknown> {
    return step.kind === 'copy' ? this.copy(step.segment, step.block) : this.sort(step);
  }

  private copy(segment: number, block: number): Observable<unknown> {
    const source = this.sources[segment]!;
    return source.checkedBlock(block).pipe(
      switchMap(({ bytes, entry, entryBytes }) => {
        const offset = this.places.add(source.info.blocks[block]!, entry.messageBytes, entryBytes);
        return this.target.write([bytes], offset);
      }),
    );
  }

  private sort({ blocks }: MergeStep & { readonly kind: 'sort' }): Observable<unknown> {
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

  private sorted(
    blocks: readonly { readonly segment: number; readonly block: number }[],
    input: readonly Uint8Array[],
  ): Observable<unknown> {
    const { layout, compute } = this.options;
    const parameters: SortParameters = {
      layout,
      indexed: this.indexed,
      blocks: blocks.map(({ segment, block }) => ({
        layout: this.sources[segment]!.layout,
        sum: this.sources[segment]!.info.blocks[block]!.sum,
      })),
    };
    return compute.run({ name: 'sortBlocks', parameters, input }).pipe(
      switchMap(({ output, answer }) => {
        const { blocks: found } = answer as SortedBlocks;
        const offsets = found.map(({ info, messageBytes }, at) => this.places.add(info, messageBytes, output[2 * at]!));
        const bytes = found.map((_, at) => output[2 * at + 1]!);
        return this.target.write(bytes, offsets[0]!);
      }),
    );
  }

  private finish(): Observable<SegmentInfo> {
    return this.seal().pipe(
      switchMap(({ head, tail, info }) =>
        concat(
          this.target.write([head], 0).pipe(ignoreElements()),
          this.target.write([tail], info.bytes - tail.length).pipe(ignoreElements()),
          of(info),
        ),
      ),
    );
  }
}

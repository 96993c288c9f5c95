import { concat, defer, ignoreElements, map, type Observable, of, switchMap, tap } from 'rxjs';
import type { StorageFile } from '../storage/storage.js';
import type { StreamLayout } from '../wal/event-entry.js';
import { type Compute, type JobResult, resultOf } from './compute.js';
import type { BuiltBlocks } from './segment-builder.js';
import type { SegmentInfo } from './segment-format.js';
import type { CheckedBlock } from './segment-reader.js';
import { BlockPlaces, type SealParameters } from './segments/seal.js';

export interface SegmentWriterOptions {
  readonly layout: StreamLayout;
  readonly indexed: boolean;
  readonly compute: Compute;
}

/** Writes a segment block by block: `begin`, then blocks in the order of positions, then `finish`. To sync it is the caller's part. */
export class SegmentWriter {
  private places = new BlockPlaces(0);

  constructor(
    private readonly file: StorageFile,
    private readonly options: SegmentWriterOptions,
  ) {}

  /** The blocks begin behind the head, which depends on the layout alone. */
  begin(): Observable<never> {
    return this.seal().pipe(
      tap(({ head }) => (this.places = new BlockPlaces(head.length))),
      ignoreElements(),
    );
  }

  /** Adds the blocks that a job made. */
  add({ output, answer, giveBack }: JobResult): Observable<void> {
    const { blocks } = answer as BuiltBlocks;
    // The directory is kept, a copy of it: the memory of all of the output goes back.
    const offsets = blocks.map(({ info, messageBytes }, at) =>
      this.places.add(info, messageBytes, output[2 * at]!.slice()),
    );
    const written = this.file.write(
      blocks.map((_, at) => output[2 * at + 1]!),
      offsets[0]!,
    );
    return written.pipe(tap({ complete: () => giveBack?.() }));
  }

  /** Adds a block as another segment has it. */
  copy({ info, bytes, entry, entryBytes }: CheckedBlock): Observable<void> {
    return this.file.write([bytes], this.places.add(info, entry.messageBytes, entryBytes));
  }

  /** Emits what the manifest is to say of it. */
  finish(): Observable<SegmentInfo> {
    return this.seal().pipe(
      switchMap(({ head, tail, info }) =>
        concat(
          this.file.write([head], 0).pipe(ignoreElements()),
          defer(() => this.file.write([tail], info.bytes - tail.length)).pipe(ignoreElements()),
          of(info),
        ),
      ),
    );
  }

  private seal(): Observable<{ readonly head: Uint8Array; readonly tail: Uint8Array; readonly info: SegmentInfo }> {
    const { layout, indexed, compute } = this.options;
    const { blocks, directory } = this.places;
    const parameters: SealParameters = { layout, indexed, blocks };
    return resultOf(compute, { name: 'sealSegment', parameters, input: directory }).pipe(
      map(({ output, answer }) => ({ head: output[0]!, tail: output[1]!, info: answer as SegmentInfo })),
    );
  }
}

import { concat, defer, ignoreElements, map, type Observable, ReplaySubject, switchMap } from 'rxjs';
import type { StorageFile } from '../storage/storage.js';
import { steps } from '../wal/steps.js';
import { type Compute, type JobResult, resultOf } from './compute.js';
import type { EntryList, Transport } from './entry-list.js';
import { type SegmentPlace, segmentName } from './live-segment.js';
import type { SegmentEntry } from './manifest.js';
import type { BuildParameters } from './segment-builder.js';
import { SegmentWriter } from './segment-writer.js';
import { withFile } from './with-file.js';

/** Entries of so many bytes are worked on at a time: no more of them is in memory twice. */
export const PORTION_BYTES = 4 * 1024 * 1024;

export interface SegmentBuild {
  /** The file's number. */
  readonly number: number;
  readonly parameters: BuildParameters;
  readonly entries: EntryList;
  readonly compute: Compute;
  readonly transport: Transport;
}

/**
 * Builds a segment of event entries and writes its file, portion by portion, synced. Its name is durable once the folder is
 * synced, which the caller does for all of them together. A crash before the manifest names it leaves a file that belongs
 * to nobody.
 */
export function writeSegment(
  { storage, folder }: Pick<SegmentPlace, 'storage' | 'folder'>,
  build: SegmentBuild,
): Observable<SegmentEntry> {
  return withFile(storage, `${folder}/${segmentName(build.number)}`, { create: true }, (file) => {
    const { layout, indexed = false } = build.parameters;
    const writer = new SegmentWriter(file, { layout, indexed, compute: build.compute });
    return concat(
      file.truncate(0),
      writer.begin(),
      writePortions(file, writer, build),
      defer(() => writer.finish()).pipe(
        switchMap((info) =>
          concat(
            file.sync().pipe(ignoreElements()),
            defer(() => [{ number: build.number, info }]),
          ),
        ),
      ),
    ) as Observable<SegmentEntry>;
  }).pipe(map((entry) => entry as SegmentEntry));
}

/**
 * The next portion is built while one is written. Each is synced by itself: a large sync at the end would make the log's
 * syncs wait.
 */
function writePortions(
  file: StorageFile,
  writer: SegmentWriter,
  { parameters, entries, compute, transport }: SegmentBuild,
): Observable<never> {
  let from = 0;
  const begin = (): Observable<JobResult> | null => {
    if (from === entries.count) return null;
    const { input, to } = entries.portion(from, PORTION_BYTES, transport);
    from = to;
    const building = new ReplaySubject<JobResult>(1);
    resultOf(compute, { name: 'buildBlocks', parameters, input }).subscribe(building);
    return building;
  };
  let building: Observable<JobResult> | null = null;
  return defer(() => {
    building = begin();
    return steps(() => {
      const current = building;
      if (current === null) return null;
      building = begin();
      return concat(
        current.pipe(switchMap((result) => writer.add(result))),
        defer(() => file.sync()),
      );
    });
  });
}

/** Runs a job over entries, portion by portion, and emits its answers. */
export function eachPortion(
  name: string,
  parameters: unknown,
  { entries, compute, transport }: Pick<SegmentBuild, 'entries' | 'compute' | 'transport'>,
): Observable<unknown> {
  const answersFrom = (from: number): Observable<unknown> =>
    defer(() => {
      const { input, to } = entries.portion(from, PORTION_BYTES, transport);
      return concat(
        resultOf(compute, { name, parameters, input }).pipe(map(({ answer }) => answer)),
        to < entries.count ? answersFrom(to) : [],
      );
    });
  return entries.count === 0 ? defer(() => []) : answersFrom(0);
}

import { catchError, concat, defer, EMPTY, filter, map, type Observable, of, switchMap, throwError } from 'rxjs';
import { MillraceError } from '../errors.js';
import type { Hash } from '../wal/hash.js';
import { faultInBounds } from './segment-bounds.js';
import { END_OF_STREAM, toHex } from './segment-format.js';
import type { SegmentReader } from './segment-reader.js';
import { corruptSegment } from './segments/pages.js';

/**
 * Checks all that makes a segment sound, a block at a time. Emits each damage that it finds, as an error with the code
 * `CORRUPT_SEGMENT`, and completes; errors where the disk does.
 */
export function verifySegment(reader: SegmentReader, hash: Hash): Observable<MillraceError> {
  const { file, info } = reader;
  const ofLength = file.size().pipe(
    filter((size) => size !== info.bytes),
    map((size) =>
      corruptSegment(file.path, Math.min(size, info.bytes), `it has ${size} bytes in place of ${info.bytes}`),
    ),
  );
  const ofBlocks = info.blocks.map((_, at) => defer(() => verifyBlock(reader, at)).pipe(catchError(damageOnly)));
  return concat(ofLength, verifySurroundings(reader, hash), ...ofBlocks);
}

/** What is before the blocks and behind them. */
function verifySurroundings({ file, info }: SegmentReader, hash: Hash): Observable<MillraceError> {
  const tail = info.directory - END_OF_STREAM.length;
  return file.read(0, info.blocks[0]?.offset ?? tail).pipe(
    switchMap((head) => file.read(tail, info.bytes - tail).pipe(map((bytes) => toHex(hash(bytes, hash(head)))))),
    filter((found) => found !== info.hash),
    map(() => corruptSegment(file.path, tail, 'what is before its blocks or behind them has a wrong checksum')),
  );
}

function verifyBlock(reader: SegmentReader, at: number): Observable<MillraceError> {
  const block = reader.info.blocks[at]!;
  return concat(
    reader.checkedBlock(at).pipe(switchMap(() => EMPTY)),
    reader.sum(at, { positions: true }).pipe(
      filter((sum) => sum !== block.sum),
      map(() => corruptSegment(reader.file.path, block.offset, `the rows of block ${at} have a wrong sum`)),
    ),
    reader.block(at, { columns: decisiveColumns(reader) }).pipe(
      map((found) => faultInBounds(found, block)),
      filter((fault) => fault !== null),
      map((fault) =>
        corruptSegment(reader.file.path, block.offset, `block ${at} is not what the manifest says: ${fault}`),
      ),
    ),
  );
}

/** The columns that say where rows stand in a block. */
function decisiveColumns({ layout }: SegmentReader): string[] {
  return layout.columns.filter(({ role }) => role === 'key' || role === 'time').map(({ name }) => name);
}

function damageOnly(error: unknown): Observable<MillraceError> {
  const isDamage = error instanceof MillraceError && error.code === 'CORRUPT_SEGMENT';
  return isDamage ? of(error) : throwError(() => error);
}

import { defer, map, type Observable, of, ReplaySubject, share, switchMap } from 'rxjs';
import { MillraceError } from '../errors.js';
import type { StorageFile } from '../storage/storage.js';
import type { ColumnLayout } from '../wal/column.js';
import type { StreamLayout } from '../wal/event-entry.js';
import { firstWhere } from '../wal/first-where.js';
import type { Hash } from '../wal/hash.js';
import { type BlockInfo, type Key, type SegmentInfo, tableColumns, toHex } from './segment-format.js';
import { SegmentBlock } from './segments/block.js';
import type { Loan } from './segments/block-memory.js';
import { RowSums, type SumOptions } from './segments/canonical-row.js';
import { type DirectoryEntry, readDirectoryEntry, splitDirectory } from './segments/directory.js';
import { placeColumns } from './segments/geometry.js';
import { compareKeys, fromJsonKey, keyColumns } from './segments/key-order.js';
import { BlockPages, corruptSegment } from './segments/pages.js';
import type { RawRows } from './segments/raw.js';
import { type PlacedColumn, readRows } from './segments/rows.js';
import { oneKey, type RowRange } from './segments/sorted-keys.js';

export interface BlockOptions {
  /** The columns that are wanted, by name; all where not given. A block knows its keys if there is a key column among them. */
  readonly columns?: readonly string[];
  /** All rows where not given. */
  readonly rows?: RowRange;
  /** Whether lsn and index are wanted too; they are where not given. */
  readonly positions?: boolean;
  /** Memory for what is read; fresh memory where not given. */
  readonly memory?: Loan;
}

export interface CheckedBlock {
  readonly info: BlockInfo;
  readonly bytes: Uint8Array;
  readonly entry: DirectoryEntry;
  readonly entryBytes: Uint8Array;
}

/**
 * Reads a segment, a block at a time. Nothing is believed before its hash was found right; what is damaged errors with
 * `CORRUPT_SEGMENT`. The file stays open and is the caller's to close.
 */
export class SegmentReader {
  private readonly directory: Observable<readonly Uint8Array[]>;
  private readonly entries = new Map<number, DirectoryEntry>();
  private readonly layouts = new Map<string, StreamLayout>();
  private readonly table: readonly ColumnLayout[];

  constructor(
    readonly file: StorageFile,
    readonly info: SegmentInfo,
    /** The layout of the version of the schema that `info` names. */
    readonly layout: StreamLayout,
    private readonly hash: Hash,
  ) {
    this.table = tableColumns(layout.columns, info.indexed);
    this.directory = this.readDirectory();
  }

  /** Reads columns of the rows of a block. Emits once. */
  block(at: number, options: BlockOptions = {}): Observable<SegmentBlock> {
    return defer(() => {
      const layout = this.layoutWith(options.columns);
      return this.rawRows(at, layout.columns, options).pipe(
        map((raw) => new SegmentBlock(layout, raw, null, options.memory)),
      );
    });
  }

  /** The rows of a key in a block: none where it is not there. Reads little more than the place where it would be. */
  rowsOfKey(at: number, key: Key): Observable<RowRange> {
    return this.entry(at).pipe(
      switchMap((entry) => {
        const around = this.rowsAround(entry, key);
        const columns = keyColumns(this.layout.columns).map(({ name }) => name);
        return this.block(at, { columns, rows: around, positions: false }).pipe(
          map((block) => block.rowsOfKey(key)),
          map(({ from, to }) => ({ from: around.from + from, to: around.from + to })),
        );
      }),
    );
  }

  /** The rows of a key in a block, in the order of their positions; a block without rows where there are none. */
  blockOfKey(at: number, key: Key, options: Omit<BlockOptions, 'rows'> = {}): Observable<SegmentBlock> {
    return this.rowsOfKey(at, key).pipe(
      switchMap((rows) => {
        const layout = this.layoutWith(options.columns);
        const others = layout.columns.filter(({ role }) => role !== 'key');
        const known = oneKey(keyColumns(this.layout.columns), key, rows.to - rows.from);
        return this.rawRows(at, others, { ...options, rows }).pipe(map((raw) => new SegmentBlock(layout, raw, known)));
      }),
    );
  }

  /** Rows that hold all those of a key, by the samples. */
  private rowsAround({ rows, samples: { every, keys } }: DirectoryEntry, key: Key): RowRange {
    const columns = keyColumns(this.layout.columns);
    const compare = (sample: number): number => compareKeys(fromJsonKey(columns, keys[sample]!), key);
    const notBefore = firstWhere(0, keys.length, (sample) => compare(sample) >= 0);
    const behind = firstWhere(0, keys.length, (sample) => compare(sample) > 0);
    return {
      from: notBefore === 0 ? 0 : (notBefore - 1) * every + 1,
      to: behind === keys.length ? rows : behind * every,
    };
  }

  /** The sum of a block's rows, from its bytes; without positions for comparing contents. */
  sum(at: number, { positions }: { readonly positions: boolean }): Observable<string> {
    return this.sumOfKept(at, { positions, retained: null }).pipe(map(({ sum }) => sum));
  }

  /** The same, and the count, of the rows that are kept. */
  sumOfKept(at: number, options: SumOptions): Observable<{ readonly rows: number; readonly sum: string }> {
    return this.rawRows(at, this.layout.columns, {}).pipe(
      map((raw) => {
        const { rows, sum } = new RowSums(this.hash).sumOfKept(raw, options);
        return { rows, sum: toHex(sum) };
      }),
    );
  }

  /** All of a block's bytes, and what the directory says of them, which was found right. `memory` is for the bytes. */
  checkedBlock(at: number, memory?: Loan): Observable<CheckedBlock> {
    const whole = { offset: 0, length: this.info.blocks[at]!.bytes };
    return this.entryBytes(at).pipe(
      switchMap((entryBytes) => {
        const entry = readDirectoryEntry(entryBytes);
        const pages = this.pagesOf(at, entry, memory).read([whole]);
        const info = this.info.blocks[at]!;
        return pages.pipe(map((bytesOf) => ({ info, bytes: bytesOf(whole), entry, entryBytes })));
      }),
    );
  }

  private rawRows(at: number, columns: readonly ColumnLayout[], options: BlockOptions): Observable<RawRows> {
    return this.entry(at).pipe(
      switchMap((entry) => {
        const wanted = this.placed(entry, columns, options.positions ?? true);
        const rows = options.rows ?? { from: 0, to: entry.rows };
        return readRows(this.pagesOf(at, entry, options.memory), wanted, rows, entry.rows);
      }),
    );
  }

  private placed(entry: DirectoryEntry, columns: readonly ColumnLayout[], positions: boolean): PlacedColumn[] {
    const names = new Set(columns.map(({ name }) => name));
    const hasKey = columns.some(({ role }) => role === 'key');
    const isWanted = ({ name, role }: ColumnLayout): boolean =>
      name.startsWith('$') ? positions : names.has(name) || (hasKey && role === 'key');
    const places = placeColumns(this.table, entry.rows, entry.shapes, entry.messageBytes).columns;
    return this.table.map((layout, at) => ({ layout, place: places[at]! })).filter(({ layout }) => isWanted(layout));
  }

  /** The same object for the same columns. */
  private layoutWith(names: readonly string[] | undefined): StreamLayout {
    if (names === undefined) return this.layout;
    const id = JSON.stringify(names);
    let layout = this.layouts.get(id);
    if (layout === undefined) {
      const unknown = names.find((name) => !this.layout.columns.some((column) => column.name === name));
      if (unknown !== undefined) {
        throw new MillraceError('INVALID_ARGUMENT', `There is no column "${unknown}".`, { column: unknown });
      }
      const columns = this.layout.columns.filter(({ name }) => names.includes(name));
      this.layouts.set(id, (layout = { ...this.layout, columns }));
    }
    return layout;
  }

  private pagesOf(at: number, entry: DirectoryEntry, memory?: Loan): BlockPages {
    return new BlockPages(this.file, this.info.blocks[at]!, entry.pages, this.hash, memory);
  }

  private entry(at: number): Observable<DirectoryEntry> {
    const known = this.entries.get(at);
    if (known !== undefined) return of(known);
    return this.entryBytes(at).pipe(
      map((bytes) => {
        const entry = readDirectoryEntry(bytes);
        this.entries.set(at, entry);
        return entry;
      }),
    );
  }

  private entryBytes(at: number): Observable<Uint8Array> {
    return this.directory.pipe(
      map((directory) => {
        const bytes = directory[at]!;
        if (toHex(this.hash(bytes)) === this.info.blocks[at]!.hash) return bytes;
        throw corruptSegment(this.file.path, this.info.directory, `what it says of block ${at} has a wrong checksum`);
      }),
    );
  }

  private readDirectory(): Observable<readonly Uint8Array[]> {
    const { directory, bytes, blocks } = this.info;
    return this.file.read(directory, bytes - directory).pipe(
      map((found) => {
        const entries = splitDirectory(found, blocks.length);
        if (entries === null) throw corruptSegment(this.file.path, directory, 'its directory of blocks cannot be read');
        return entries;
      }),
      // Read once, by whoever is first; after a failure, again.
      share({ connector: () => new ReplaySubject(1), resetOnComplete: false, resetOnRefCountZero: false }),
    );
  }
}

import { map, type Observable, of, switchMap } from 'rxjs';
import { type ColumnLayout, isVariable } from '../../wal/column.js';
import { type ColumnPlace, fixedBytes, type Part } from './geometry.js';
import type { BlockPages } from './pages.js';
import { bitsFrom, type RawColumn, type RawRows, words } from './raw.js';
import type { RowRange } from './sorted-keys.js';

/** A column of the table, and where its parts are in the block. */
export interface PlacedColumn {
  readonly layout: ColumnLayout;
  readonly place: ColumnPlace;
}

/** What is to be read of a column. */
interface Wanted {
  readonly layout: ColumnLayout;
  readonly validity: Part;
  readonly offsets: Part | null;
  /** `null` where the offsets must be read first. */
  readonly values: Part | null;
}

/** Reads a range of rows of some columns of a block. */
export function readRows(
  pages: BlockPages,
  columns: readonly PlacedColumn[],
  range: RowRange,
  rowsOfBlock: number,
): Observable<RawRows> {
  if (range.from === range.to) return of({ rows: 0, columns: columns.map(({ layout }) => emptyColumn(layout)) });
  const isWhole = range.from === 0 && range.to === rowsOfBlock;
  const wanted = columns.map((column) => wantedOf(column, range, isWhole));
  const parts = wanted.flatMap(({ validity, offsets, values }) => [validity, offsets, values].filter(isPart));
  return pages.read(parts).pipe(
    switchMap((bytesOf) => {
      const found = wanted.map((column, at) => ({
        layout: column.layout,
        validity: column.validity.length === 0 ? null : bitsFrom(bytesOf(column.validity), range.from, range.to),
        offsets: column.offsets && words(bytesOf(column.offsets)),
        values: column.values && bytesOf(column.values),
        place: columns[at]!.place.values,
      }));
      return readTexts(pages, found).pipe(
        map((texts) => ({
          rows: range.to - range.from,
          columns: found.map((column, at): RawColumn => {
            const { layout, validity, offsets } = column;
            const values = column.values ?? texts[at]!;
            if (layout.type === 'bool')
              return { layout, validity, offsets, values: bitsFrom(values, range.from, range.to) };
            return { layout, validity, offsets: offsets && rebased(offsets), values };
          }),
        })),
      );
    }),
  );
}

function emptyColumn(layout: ColumnLayout): RawColumn {
  return {
    layout,
    validity: null,
    offsets: isVariable(layout.type) ? new Uint32Array(1) : null,
    values: new Uint8Array(0),
  };
}

interface Found {
  readonly offsets: Uint32Array | null;
  readonly values: Uint8Array | null;
  readonly place: Part;
}

/** The values of those variable columns whose offsets had to be known first. */
function readTexts(pages: BlockPages, columns: readonly Found[]): Observable<readonly (Uint8Array | null)[]> {
  const parts = columns.map(({ offsets, values, place }) => {
    if (values !== null || offsets === null) return null;
    return { offset: place.offset + offsets[0]!, length: offsets.at(-1)! - offsets[0]! };
  });
  const missing = parts.filter(isPart);
  if (missing.length === 0) return of(parts.map(() => null));
  return pages.read(missing).pipe(map((bytesOf) => parts.map((part) => part && bytesOf(part))));
}

function wantedOf({ layout, place }: PlacedColumn, { from, to }: RowRange, isWhole: boolean): Wanted {
  const validity = place.validity.length === 0 ? place.validity : bits(place.validity, from, to);
  if (place.offsets !== null) {
    const offsets = { offset: place.offsets.offset + from * 4, length: (to - from + 1) * 4 };
    return { layout, validity, offsets, values: isWhole ? place.values : null };
  }
  if (layout.type === 'bool') return { layout, validity, offsets: null, values: bits(place.values, from, to) };
  const start = fixedBytes(layout.type, from);
  const values = { offset: place.values.offset + start, length: fixedBytes(layout.type, to) - start };
  return { layout, validity, offsets: null, values };
}

/** The bytes that hold the bits of some rows. */
function bits({ offset }: Part, from: number, to: number): Part {
  return { offset: offset + (from >> 3), length: ((to + 7) >> 3) - (from >> 3) };
}

/** Offsets that count from the first value. */
function rebased(offsets: Uint32Array): Uint32Array {
  const first = offsets[0]!;
  return first === 0 ? offsets : offsets.map((offset) => offset - first);
}

function isPart(part: Part | null): part is Part {
  return part !== null;
}

/** Where a row stands: by lsn, then by index. */
export interface RowPosition {
  readonly lsn: number;
  /** 0 for a logged event; which of those with its lsn a derived row is. */
  readonly index: number;
}

/** The position of the first row that an lsn may have. */
export function atLsn(lsn: number): RowPosition {
  return { lsn, index: 0 };
}

export function isBefore(a: RowPosition, b: RowPosition): boolean {
  return a.lsn < b.lsn || (a.lsn === b.lsn && a.index < b.index);
}

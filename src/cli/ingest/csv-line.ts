/** Cells as a line of CSV, without its end. */
export function csvLine(cells: readonly string[], delimiter: string): string {
  return cells.map((cell) => csvCell(cell, delimiter)).join(delimiter);
}

function csvCell(cell: string, delimiter: string): string {
  const wantsQuotes = cell.includes(delimiter) || /["\r\n]/.test(cell);
  return wantsQuotes ? `"${cell.replaceAll('"', '""')}"` : cell;
}

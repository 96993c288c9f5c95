/** Prints the lines of a run: rows with a column per batch size, then everything else, then the ratios. */
export function print(lines, ratios) {
  const rows = lines.filter(({ what }) => what === 'rows');
  if (rows.length > 0) printRows(rows);
  const others = lines.filter(({ what }) => what !== 'rows');
  if (others.length > 0) {
    printTable(
      ['scenario', 'who', 'median', 'min – max', 'size'],
      others.map(({ what, who, unit, size, ...stats }) => [
        what,
        who,
        `${figure(stats.median, unit)} ${short(unit)}`,
        range(stats, unit),
        sizeOf(what, size),
      ]),
    );
  }
  for (const { curve } of lines) {
    if (curve)
      console.log(`RSS in MB at million events: ${curve.map(([events, rss]) => `${events}: ${rss}`).join(', ')}\n`);
  }
  printTable(
    ['ratios', 'target', 'measured', ''],
    ratios.map(({ what, target, measured, isMet }) => [
      what,
      target,
      measured === null ? '–' : measured.toFixed(measured < 10 ? 2 : 0),
      isMet === null ? 'not measured' : isMet ? 'met' : 'NOT MET',
    ]),
  );
}

function printRows(lines) {
  const sizes = [...new Set(lines.map(({ size }) => size))];
  const whos = [...new Map(lines.map((line) => [`${line.who} ${line.inFlight}`, line])).values()];
  printTable(
    [
      'rows, thousand events/s durable: median (min – max)',
      'batches in flight',
      ...sizes.map((size) => `of ${size.toLocaleString('en')}`),
    ],
    whos.map(({ who, inFlight }) => [
      who,
      inFlight === 1 ? 'one at a time' : `up to ${inFlight}`,
      ...sizes.map((size) => {
        const line = lines.find((other) => other.who === who && other.inFlight === inFlight && other.size === size);
        return [figure(line.median, line.unit), range(line, line.unit)].join(' ').trim();
      }),
    ]),
  );
}

const UNITS = { 'events/s': ['k/s', 1e3], 'bytes/s': ['MB/s', 1e6] };
const short = (unit) => UNITS[unit]?.[0] ?? unit;

function figure(value, unit) {
  const scaled = value / (UNITS[unit]?.[1] ?? 1);
  if (unit === '') return String(value);
  return scaled < 100 ? scaled.toFixed(1) : Math.round(scaled).toLocaleString('en');
}

function range({ min, max }, unit) {
  return min === max ? '' : `(${figure(min, unit)} – ${figure(max, unit)})`;
}

function sizeOf(what, size) {
  if (size === undefined) return '';
  return what.startsWith('single') ? `${size} bytes` : `${size.toLocaleString('en')} rows`;
}

function printTable(head, body) {
  const widths = head.map((title, at) => Math.max(title.length, ...body.map((cells) => cells[at].length)));
  const line = (cells) =>
    cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]) : cell.padStart(widths[at]))).join('  ');
  console.log(line(head));
  console.log(widths.map((width) => '─'.repeat(width)).join('  '));
  for (const cells of body) console.log(line(cells));
  console.log();
}

import { type AnyColumn, key, nameFault, type Schema, timestamp } from '../../streams/schema.js';
import type { ColumnLayout } from '../../wal/column.js';
import { InputError, Misuse } from '../report.js';
import { columnInWords } from '../words.js';
import { BUILDERS, parseTypes } from './given-types.js';
import { type Inferred, inferColumn } from './infer.js';
import { type Source, type SourceRow, Unfit } from './source.js';
import { guessUnit, readTime, type TimeUnit, unitInWords } from './time.js';

/** What the command line says of the columns. */
export interface ColumnOptions {
  readonly stream: string;
  readonly time?: string;
  readonly key: readonly string[];
  readonly types: readonly string[];
  readonly timeUnit?: TimeUnit;
}

/** The first rows of a file, by which its columns are judged. */
export interface Sampled {
  readonly source: Source;
  readonly rows: readonly SourceRow[];
  readonly names: readonly string[];
}

/** Looks at the column names of a file. @throws InputError for those that no stream can have */
export function sampledFrom(source: Source, rows: readonly SourceRow[]): Sampled {
  const names = source.columnsOf(rows);
  names.forEach((name, at) => {
    const place = `Column ${at + 1} of the file`;
    if (name === '') throw new InputError(`${place} has no name. Give every column a name in the header.`);
    const fault = nameFault(name);
    if (fault !== null) throw new InputError(`${place}, ${JSON.stringify(name.slice(0, 200))}: its name ${fault}.`);
    const first = names.indexOf(name);
    if (first < at) throw new InputError(`Columns ${first + 1} and ${at + 1} of the file are both named "${name}".`);
  });
  return { source, rows: rows.filter((row) => row.fault === null), names };
}

function cellsOf({ source, rows }: Sampled, column: string): unknown[] {
  return rows.map(source.cellReader(column));
}

/** The schema of a new stream, and what the user should know of it. */
export interface NewSchema {
  readonly schema: Schema;
  readonly warnings: readonly string[];
}

/** What `--types` says, else what the sample looks like. @throws Misuse, InputError */
export function schemaFor(sampled: Sampled, options: ColumnOptions): NewSchema {
  const { time, key: keys } = options;
  const types = parseTypes(options.types);
  if (sampled.rows.length === 0)
    throw new InputError('There is no row that can be read, so nothing tells what the columns of the stream are.');
  if (time === undefined)
    throw new Misuse(`Stream "${options.stream}" is new: say with --time which column is its event time.`);
  assertThere(sampled, '--time', [time]);
  assertThere(sampled, '--key', keys);
  assertThere(sampled, '--types', [...types.keys()]);
  const timeType = types.get(time);
  if (keys.includes(time) || (timeType !== undefined && (timeType.type !== 'timestamp' || timeType.optional)))
    throw new Misuse(`Column "${time}" is the event time: it cannot be a key, and its type is timestamp.`);
  const warnings: string[] = [];
  // First, as the first timestamp of a schema is its event time.
  const schema: Record<string, AnyColumn> = { [time]: timestamp() };
  for (const name of sampled.names) {
    if (name === time) continue;
    const isKey = keys.includes(name);
    const given = types.get(name);
    const column = given ?? inferColumn(cellsOf(sampled, name), sampled.source.format, isKey);
    schema[name] = isKey ? keyColumn(name, column, given !== undefined) : columnOf(column);
    if (column.misfits > 0) warnings.push(misfitsInWords(name, column, sampled));
  }
  return { schema, warnings };
}

function misfitsInWords(name: string, { type, misfits }: Inferred, { rows, source }: Sampled): string {
  const wide = source.format === 'csv' ? 'string' : 'json';
  return `Column "${name}" looks like ${type}, but for ${misfits} of the first ${rows.length} rows, which are rejected; --types ${name}=${wide} would take them.`;
}

function columnOf({ type, optional }: Inferred): AnyColumn {
  const column = BUILDERS[type]();
  return optional ? column.optional() : column;
}

/** An empty cell makes no key optional: there its row is rejected, or the key is the empty text. */
function keyColumn(name: string, { type }: Inferred, isGiven: boolean): AnyColumn {
  if (!['string', 'int32', 'int64', 'bool'].includes(type)) {
    const why = isGiven ? `cannot be ${type}` : `looks like ${type}, which no key can be`;
    throw new Misuse(`Key column "${name}" ${why}. Give its type: --types ${name}=string (or int32, int64, bool).`);
  }
  return key(BUILDERS[type]() as never);
}

function assertThere({ names }: Sampled, option: string, wanted: readonly string[]): void {
  const missing = wanted.find((name) => !names.includes(name));
  if (missing === undefined) return;
  const known = names.map((name) => JSON.stringify(name)).join(', ');
  throw new Misuse(`${option} names the column "${missing}", which the file has not. It has ${known}.`);
}

/** Compares a file, and what the command line says, with the columns of a stream that is there already. */
export function assertMatches(sampled: Sampled, columns: readonly ColumnLayout[], options: ColumnOptions): void {
  const { time, key: keys } = options;
  const types = parseTypes(options.types);
  const differences = [
    ...sampled.names
      .filter((name) => !columns.some((column) => column.name === name))
      .map((name) => `"${name}" is in the file only`),
    ...columns.flatMap(({ name, type, role, optional }) => {
      const given = types.get(name);
      const faults: string[] = [];
      if (!optional && !sampled.names.includes(name)) faults.push(`"${name}" is in the stream only`);
      if (given !== undefined && given.type !== type) faults.push(`"${name}" is ${type} in the stream`);
      if (time !== undefined && (role === 'time') !== (name === time)) faults.push(timeFault(name, role));
      if (keys.length > 0 && (role === 'key') !== keys.includes(name))
        faults.push(`"${name}" is ${role === 'key' ? 'a key' : 'no key'} in the stream`);
      return faults;
    }),
  ];
  if (differences.length === 0) return;
  throw new InputError(
    `The file does not fit stream "${options.stream}", which has ${columns.map(columnInWords).join(', ')}: ${differences.join('; ')}. ` +
      'Nothing was written. Change the columns of the file, or choose another stream.',
  );
}

function timeFault(name: string, role: string): string {
  return `"${name}" is ${role === 'time' ? 'the event time' : 'not the event time'} in the stream`;
}

/** The unit in which the file's times are numbers, and what to say of it. */
export interface TimeReading {
  readonly unit: TimeUnit;
  /** `null` where the times are no numbers. */
  readonly words: string | null;
}

/** @throws InputError where nothing in the time column looks like a time: else every row would be rejected. */
export function timeReadingOf(sampled: Sampled, time: string, given: TimeUnit | undefined): TimeReading {
  const cells = cellsOf(sampled, time);
  const guessed = guessUnit(cells);
  const unit = given ?? guessed ?? 'ms';
  if (cells.length > 0 && cells.every((cell) => readTime(cell, unit) instanceof Unfit)) {
    throw new InputError(
      `Column "${time}" holds no times: it begins with ${JSON.stringify(cells[0])?.slice(0, 80)}. Times are numbers, or dates such as 2024-05-01 12:00:00 (UTC where no zone is named).`,
    );
  }
  return { unit, words: guessed === null ? null : `times read as ${unitInWords(unit)}` };
}

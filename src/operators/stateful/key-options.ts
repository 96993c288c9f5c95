import { MillraceError } from '../../errors.js';

/** The key columns of an option such as `by`. @throws MillraceError `INVALID_OPTION` */
export function keyColumns(by: unknown, option = 'by'): readonly string[] {
  const columns: readonly unknown[] = Array.isArray(by) ? by : by === undefined ? [] : [by];
  const names = columns.map((column) => columnName(option, column));
  for (const [at, name] of names.entries()) {
    if (names.indexOf(name) !== at)
      throw invalidOption(`Option ${option} names the column ${JSON.stringify(name)} twice.`);
    if (name === '__proto__')
      throw invalidOption(`The key column "__proto__" cannot have this name: JavaScript takes it for something else.`);
  }
  return names;
}

/** @throws MillraceError `INVALID_OPTION` */
export function columnName(option: string, column: unknown): string {
  if (typeof column === 'string' && column !== '') return column;
  throw invalidOption(`Option ${option} must name a column, not ${shown(column)}.`);
}

/** @throws MillraceError `INVALID_OPTION` */
export function optionsObject<O>(operator: string, options: O, example: string): O {
  if (typeof options === 'object' && options !== null) return options;
  throw invalidOption(`${operator} takes options such as ${example}, not ${shown(options)}.`);
}

export function shown(value: unknown): string {
  return typeof value === 'function' ? 'a function' : (JSON.stringify(value) ?? String(value));
}

export function invalidOption(message: string): MillraceError {
  return new MillraceError('INVALID_OPTION', message);
}

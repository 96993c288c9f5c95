import { MillraceError } from '../../errors.js';
import type { Key } from '../../snapshots/segment-format.js';
import type { ColumnLayout } from '../../wal/column.js';
import { shown, toStored } from '../values.js';
import type { Filter } from './filter.js';

/** What a user asked for, checked. */
export interface HistoryQuery {
  readonly filter: Filter;
  /** `undefined` for all. */
  readonly columns: readonly string[] | undefined;
  readonly limit: number;
  readonly order: 'asc' | 'desc';
  readonly revisions: 'highest' | 'all';
}

/** As it comes from a user. */
export interface GivenQuery {
  readonly from?: Date | number | undefined;
  readonly to?: Date | number | undefined;
  readonly where?: object | undefined;
  readonly columns?: readonly PropertyKey[] | undefined;
  readonly limit?: number | undefined;
  readonly order?: string | undefined;
  readonly revisions?: string | undefined;
}

/** @throws MillraceError `INVALID_ARGUMENT`, SchemaError for a value that the column cannot have */
export function queryOf(stream: string, columns: readonly ColumnLayout[], given: GivenQuery): HistoryQuery {
  const refuse = (what: string): never => {
    throw new MillraceError('INVALID_ARGUMENT', `Reading stream "${stream}": ${what}.`, { stream });
  };
  const time = (name: 'from' | 'to', otherwise: number): number => {
    const value = given[name];
    if (value === undefined) return otherwise;
    const milliseconds = value instanceof Date ? value.getTime() : value;
    if (typeof milliseconds === 'number' && !Number.isNaN(milliseconds)) return milliseconds;
    return refuse(`${name} must be a valid Date or milliseconds since the epoch, not ${shown(value)}`);
  };
  const { limit = Infinity, order = 'asc', revisions = 'highest' } = given;
  if (limit !== Infinity && !(Number.isSafeInteger(limit) && limit >= 0))
    refuse(`limit must be a whole number from 0 on, not ${shown(limit)}`);
  if (order !== 'asc' && order !== 'desc') return refuse(`order must be 'asc' or 'desc', not ${shown(order)}`);
  if (revisions !== 'highest' && revisions !== 'all')
    return refuse(`revisions must be 'highest' or 'all', not ${shown(revisions)}`);
  const names = columns.map(({ name }) => name);
  for (const name of given.columns ?? [])
    if (!names.includes(name as string)) refuse(`there is no column ${shown(name)}; it has ${names.join(', ')}`);
  const filter = {
    from: time('from', -Infinity),
    to: time('to', Infinity),
    where: whereOf(stream, columns, given.where, refuse),
  };
  return { filter, columns: given.columns as readonly string[] | undefined, limit, order, revisions };
}

function whereOf(
  stream: string,
  columns: readonly ColumnLayout[],
  given: object | undefined,
  refuse: (what: string) => never,
): Filter['where'] {
  const keys = columns.filter(({ role }) => role === 'key');
  const where = new Map<string, Key[number]>();
  for (const [name, value] of Object.entries(given ?? {})) {
    if (value === undefined) return refuse(`where.${name} is undefined; leave it out to read every ${name}`);
    const column = keys.find((key) => key.name === name);
    if (column === undefined) {
      const known = keys.length > 0 ? keys.map((key) => key.name).join(', ') : 'none';
      return refuse(`where takes key columns only (${known}), not ${shown(name)}`);
    }
    where.set(name, toStored(stream, column, value) as Key[number]);
  }
  return where;
}

/** The key that `latest` is asked for: the value of the only key column, or an object with all of them. */
export function keyQuery(stream: string, columns: readonly ColumnLayout[], key: unknown): HistoryQuery {
  const keys = columns.filter(({ role }) => role === 'key');
  const isObject = typeof key === 'object' && key !== null;
  const where = isObject ? key : keys.length === 1 ? { [keys[0]!.name]: key } : {};
  const query = queryOf(stream, columns, { where, limit: 1, order: 'desc' });
  if (query.filter.where.size === keys.length) return query;
  const wanted = keys.map(({ name }) => name).join(', ');
  const message = `Reading stream "${stream}": latest needs a value for every key column (${wanted}), not ${shown(key)}.`;
  throw new MillraceError('INVALID_ARGUMENT', message, { stream });
}

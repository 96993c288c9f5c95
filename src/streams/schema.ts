import { SchemaError } from '../errors.js';
import type { ColumnLayout, ColumnRole, ColumnType } from '../wal/column.js';

/**
 * A column of a schema: what it stores, whether it may be missing. `Input` is what `append` takes, `Output` what rows have.
 */
export class Column<Input, Output = Input, Optional extends boolean = false> {
  /** For inference only; there is no such value. */
  declare readonly types: { input: Input; output: Output; optional: Optional };

  constructor(
    readonly type: ColumnType,
    readonly role: ColumnRole,
    readonly isOptional: Optional,
  ) {}

  /**
   * The same column, whose value may be missing: absent, `undefined` or (but in `json` columns) `null`. Rows have `undefined`.
   *
   * @throws SchemaError for a key column: every event has its key.
   */
  optional(): Column<Input | (null extends Input ? never : null), Output, true> {
    if (this.role === 'key') throw new SchemaError('A key column cannot be optional: every event has its key.');
    return new Column(this.type, this.role, true);
  }
}

// biome-ignore lint/suspicious/noExplicitAny: any column, whatever its types
export type AnyColumn = Column<any, any, boolean>;

/** A schema: column names and their columns. The first `timestamp()` is the event time. */
export type Schema = { readonly [name: string]: AnyColumn };

type Flat<T> = { [K in keyof T]: T[K] };
type OptionalNames<S extends Schema> = {
  [K in keyof S]: S[K] extends Column<infer _I, infer _O, true> ? K : never;
}[keyof S];

/** The rows of a stream with schema `S`. */
export type RowOf<S extends Schema> = Flat<
  { [K in Exclude<keyof S, OptionalNames<S>>]: S[K]['types']['output'] } & {
    [K in OptionalNames<S>]?: S[K]['types']['output'] | undefined;
  }
>;

/** What `append` takes for schema `S`. */
export type InputOf<S extends Schema> = Flat<
  { readonly [K in Exclude<keyof S, OptionalNames<S>>]: S[K]['types']['input'] } & {
    readonly [K in OptionalNames<S>]?: S[K]['types']['input'] | undefined;
  }
>;

/** Milliseconds since the epoch, whole; a `Date` is taken too. The first one of a schema is the event time. */
export const timestamp = (): Column<number | Date, number> => new Column('timestamp', 'value', false);
/** Text, well-formed Unicode, at most 16 MiB as UTF-8. */
export const string = (): Column<string> => new Column('string', 'value', false);
export const bool = (): Column<boolean> => new Column('bool', 'value', false);
/** A whole number from -2³¹ to 2³¹ - 1. */
export const int32 = (): Column<number> => new Column('int32', 'value', false);
/** A `bigint` from -2⁶³ to 2⁶³ - 1. */
export const int64 = (): Column<bigint> => new Column('int64', 'value', false);
/** A number, rounded to 32 bits: rows have the rounded one. */
export const float32 = (): Column<number> => new Column('float32', 'value', false);
/** A number, as JavaScript has it; NaN, the infinities and -0 are kept. */
export const float64 = (): Column<number> => new Column('float64', 'value', false);
/** Anything JSON can say, also NaN, ±Infinity, -0, bigint, Date and Uint8Array. Kept as canonical JSON, at most 16 MiB. */
export const json = <T = unknown>(): Column<T> => new Column('json', 'value', false);
/** A byte string, at most 16 MiB. */
export const bytes = (): Column<Uint8Array> => new Column('bytes', 'value', false);

type KeyValue = string | number | bigint | boolean;

/**
 * A part of the stream's key (KWDB: a primary tag). Takes `string()`, `int32()`, `int64()` and `bool()` columns.
 *
 * @example
 * mill.stream('readings', { schema: { ts: timestamp(), device: key(string()), temperature: float64() } });
 */
export function key<Input extends KeyValue, Output extends KeyValue>(
  column: Column<Input, Output>,
): Column<Input, Output> {
  if (!['string', 'int32', 'int64', 'bool'].includes(column.type) || column.isOptional) {
    throw new SchemaError(
      `A key column is a string(), int32(), int64() or bool() that is not optional, not ${column.type}().`,
    );
  }
  return new Column(column.type, 'key', false);
}

/** A value that belongs to the key rather than to the event, as the place of a device does. */
export function tag<Input, Output, Optional extends boolean>(
  column: Column<Input, Output, Optional>,
): Column<Input, Output, Optional> {
  return new Column(column.type, 'tag', column.isOptional);
}

export const COLUMNS_MAX = 1_000;
const NAME_LENGTH_MAX = 128;

/** What is wrong with a name of a stream or column, or `null`. */
export function nameFault(name: unknown): string | null {
  if (typeof name !== 'string' || name.length === 0) return 'must be a non-empty string';
  if (name.length > NAME_LENGTH_MAX) return `is longer than ${NAME_LENGTH_MAX} characters`;
  if (!name.isWellFormed() || /\p{Cc}/u.test(name)) return 'holds control characters or is not well-formed Unicode';
  if (name.startsWith('$')) return 'begins with `$`, which is kept for internal streams';
  // What every object inherits (`__proto__`, `constructor`, `toString`, …) would be read where a value is missing.
  return name in Object.prototype || name === 'prototype' ? 'is refused, as it means something to JavaScript' : null;
}

/**
 * The layout of a schema, checked.
 *
 * @throws SchemaError naming the stream and the column.
 */
export function layoutOf(stream: string, schema: Schema): ColumnLayout[] {
  const names = Object.keys(schema);
  if (names.length === 0 || names.length > COLUMNS_MAX) {
    throw new SchemaError(`Stream "${stream}" declares ${names.length} columns; it can have 1 to ${COLUMNS_MAX}.`, {
      stream,
    });
  }
  for (const name of names) {
    const fault =
      nameFault(name) ??
      (schema[name] instanceof Column ? null : 'is not a column: use timestamp(), string(), float64(), …');
    if (fault)
      throw new SchemaError(`Column ${JSON.stringify(name.slice(0, 200))} of stream "${stream}" ${fault}.`, {
        stream,
        column: name,
      });
  }
  const time = names.find((name) => schema[name]!.type === 'timestamp' && !schema[name]!.isOptional);
  if (time === undefined) {
    throw new SchemaError(`Stream "${stream}" has no event time: declare a timestamp() column that is not optional.`, {
      stream,
    });
  }
  return names.map((name) => {
    const { type, role, isOptional } = schema[name]!;
    return { name, type, role: name === time ? 'time' : role, optional: isOptional };
  });
}

/** The schema of a layout: the way back, for streams that are known from the log only. */
export function schemaOf(columns: readonly ColumnLayout[]): Schema {
  return Object.fromEntries(
    columns.map(({ name, type, role, optional }) => [
      name,
      new Column(type, role === 'time' ? 'value' : role, optional),
    ]),
  );
}

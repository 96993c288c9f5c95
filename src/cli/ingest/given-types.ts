import {
  type AnyColumn,
  bool,
  bytes,
  float32,
  float64,
  int32,
  int64,
  json,
  string,
  timestamp,
} from '../../streams/schema.js';
import type { ColumnType } from '../../wal/column.js';
import { Misuse } from '../report.js';
import type { Inferred } from './infer.js';

/** The column builders of a schema, by the type's name. */
export const BUILDERS: Readonly<Record<ColumnType, () => AnyColumn>> = {
  timestamp,
  string,
  bool,
  int32,
  int64,
  float32,
  float64,
  json,
  bytes,
};

/**
 * Reads `--types`: `name=type`, with a `?` behind it where a value may be missing, several of them with commas between.
 * A name may hold `=`, as types do not.
 */
export function parseTypes(texts: readonly string[]): Map<string, Inferred> {
  const types = new Map<string, Inferred>();
  for (const part of texts.flatMap((text) => text.split(',')).filter((text) => text !== '')) {
    const match = /^(.+)=([a-z0-9]+)(\?)?$/.exec(part.trim());
    if (match === null || !Object.hasOwn(BUILDERS, match[2]!)) {
      throw new Misuse(
        `--types takes name=type pairs, the type one of ${Object.keys(BUILDERS).join(', ')}, with ? behind it where a value may be missing; not "${part}".`,
      );
    }
    types.set(match[1]!, { type: match[2] as ColumnType, optional: match[3] === '?', misfits: 0 });
  }
  return types;
}

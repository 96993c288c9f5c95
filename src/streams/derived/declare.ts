import { isObservable, type Observable } from 'rxjs';
import { MillraceError } from '../../errors.js';
import { type DescribedColumn, descriptionOf, type RowDescription } from '../../operators/row-description.js';
import type { ColumnLayout } from '../../wal/column.js';
import { layoutOf, type Schema } from '../schema.js';
import { noSchema, notDerived, otherMill } from './misuse.js';
import { Pipeline } from './pipeline.js';
import type { PipelineStream } from './pipeline-inputs.js';

/** What is known of a pipeline when it is declared. */
export interface Probed {
  readonly inputs: readonly PipelineStream[];
  readonly columns: readonly ColumnLayout[];
  readonly isKept: (row: unknown) => boolean;
  /** Whether there is a side stream of late events. */
  readonly hasLate: boolean;
}

/** The streams of a mill in which a pipeline is declared. */
export interface MillStreams {
  ticks(): PipelineStream;
  isOwn(stream: PipelineStream): boolean;
}

const KEEPS_ALL = () => true;

/**
 * Subscribes to a pipeline once, to see what it reads and what it gives, so that a mistake is an error where it was made.
 *
 * @throws MillraceError `INVALID_OPTION`, `INVALID_ARGUMENT`; SchemaError where nobody says what the rows are
 */
export function probe(name: string, rows: unknown, schema: Schema | undefined, streams: MillStreams): Probed {
  const pipeline = probedOnce(name, rows, streams);
  const { hasLate } = pipeline;
  // Those whose rows become those of the pipeline: not those that are only looked up in.
  const inputs = pipeline.reads.of();
  const description = descriptionOf(rows as Observable<unknown>);
  const isKept = (description?.isKept ?? KEEPS_ALL) as (row: unknown) => boolean;
  if (schema !== undefined) return { inputs, columns: layoutOf(name, schema), isKept, hasLate };
  if (description === null)
    throw noSchema(name, 'the pipeline does not end with an operator that says it, as windowed does');
  return { inputs, columns: columnsOf(name, description, inputs), isKept, hasLate };
}

/** A pipeline that was subscribed to and is no more. */
export function probedOnce(name: string, rows: unknown, streams: MillStreams): Pipeline {
  if (!isObservable(rows)) throw notDerived(name, rows);
  const ticks = () => streams.ticks();
  const pipeline = new Pipeline(name, rows, { next: () => {}, late: () => {}, failed: () => {} }, ticks);
  try {
    pipeline.subscribe();
  } finally {
    pipeline.unsubscribe();
  }
  const foreign = pipeline.inputs.find((stream) => !streams.isOwn(stream));
  if (foreign !== undefined) throw otherMill(name, foreign.name);
  return pipeline;
}

function columnsOf(name: string, { columns }: RowDescription, inputs: readonly PipelineStream[]): ColumnLayout[] {
  return columns.map((column) => ({
    name: column.name,
    role: column.role,
    optional: column.optional,
    type: typeOf(name, column, inputs),
  }));
}

function typeOf(name: string, { name: column, role, type }: DescribedColumn, inputs: readonly PipelineStream[]) {
  if (typeof type === 'string') return type;
  const types = inputs.map((input) => input.columns.find((other) => other.name === type.sameAs)?.type);
  const [first] = types;
  if (first !== undefined && types.every((other) => other === first)) return first;
  // What may be anything is kept as JSON; but a key must be known.
  if (role !== 'key') return 'json';
  const names = inputs.map((input) => `"${input.name}"`).join(', ');
  throw noSchema(name, `column "${column}" is not one of ${names}, so its type is not known`);
}

/** @throws MillraceError `INVALID_OPTION` */
export function keyColumns(name: string, key: unknown): readonly string[] {
  const columns = Array.isArray(key) ? (key as unknown[]) : [key];
  const isFine = columns.length > 0 && columns.every((column) => typeof column === 'string' && column !== '');
  if (isFine && new Set(columns).size === columns.length) return columns as string[];
  const message = `Option key of table "${name}" must name a column, or several different ones: 'account', or ['account', 'currency'].`;
  throw new MillraceError('INVALID_OPTION', message, { stream: name });
}

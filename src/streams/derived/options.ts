import type { Observable } from 'rxjs';
import type { RowOf, Schema } from '../schema.js';

/**
 * What happens when a pipeline throws. `stop`: it stops at that event, its `status` says where and why, everything else goes on, and the
 * next start tries again from the last checkpoint. `deadLetter`: the event goes into the stream `name.dead` and the pipeline goes on with
 * the next one; rows that it gave for the event are dropped; operators before the one that threw have taken it. Default `stop`.
 */
export type OnError = 'stop' | 'deadLetter';

/** A stream that a pipeline derives from others. */
export interface DerivedOptions<T> {
  /**
   * The pipeline: streams of this mill, declared before, through operators. It is subscribed to when it is declared, to look at it, and
   * at each start. See docs/architecture.md for the operators that may be used in it.
   */
  readonly from: Observable<T>;
  /** What its rows are. Not needed where the pipeline ends with an operator that says it, as `windowed` does. */
  readonly schema?: Schema;
  /** Whether a new pipeline begins with the events that are there already. Default `true`. */
  readonly processHistory?: boolean;
  /**
   * To be raised where the pipeline becomes another one: a whole number from 1, the default. A new version is built from history beside the
   * rows that are there, and takes their place, all at once, when it has caught up. Where the history of its inputs was cut by
   * retention, older rows stay. Key columns and the time column stay the same, as do the types of columns that keep their names.
   */
  readonly version?: number;
  readonly onError?: OnError;
  /** How long rows are kept, as for streams that are appended to. */
  readonly retention?: string | number;
}

/** The same with a schema, by which rows are what readers get. */
export interface DerivedSchemaOptions<S extends Schema> extends DerivedOptions<Readonly<Partial<RowOf<S>>>> {
  readonly schema: S;
}

/** A table that a pipeline derives from streams. */
export interface TableOptions<V> {
  /** The column of the pipeline's rows with the key, or several. */
  readonly key: (keyof V & string) | readonly (keyof V & string)[];
  readonly from: Observable<V>;
  /** Whether a new pipeline begins with the events that are there already. Default `true`. */
  readonly processHistory?: boolean;
  /** To be raised where the pipeline becomes another one, as for derived streams: readers have the old rows until the new ones are there. */
  readonly version?: number;
  readonly onError?: OnError;
}

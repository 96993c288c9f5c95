import type { Intervals } from './intervals.js';

/** Which events of a key are computed together. Made by `tumbling`, `hopping`, `session`, `stateWindow`, `eventWindow` or `countWindow`. */
export interface Window<T> {
  /** As its user wrote it, for errors. */
  readonly text: string;
  readonly kind: WindowKind<T>;
}

export type WindowKind<T> =
  | { readonly type: 'aligned'; readonly intervals: Intervals }
  | { readonly type: 'session'; readonly gap: number }
  | RunKind<T>;

/** Windows that follow from the order of a key's events. */
export type RunKind<T> =
  | { readonly type: 'state'; readonly selector: (event: T) => unknown }
  | { readonly type: 'event'; readonly start: (event: T) => boolean; readonly end: (event: T) => boolean }
  | { readonly type: 'count'; readonly size: number; readonly every: number };

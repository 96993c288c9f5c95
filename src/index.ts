/// <reference types="node" />
export { CorruptLogError, type ErrorCode, type ErrorPosition, MillraceError, SchemaError } from './errors.js';
export type { Aggregate, AggregateOf, ResultOf } from './operators/aggregates/aggregate.js';
export { avg } from './operators/aggregates/avg.js';
export { count } from './operators/aggregates/count.js';
export { countDistinct } from './operators/aggregates/count-distinct.js';
export { type DeviationOptions, stddev, variance } from './operators/aggregates/deviation.js';
export { max, min } from './operators/aggregates/extremes.js';
export { first, last } from './operators/aggregates/first-last.js';
export { type QuantileOptions, quantile } from './operators/aggregates/quantile.js';
export { rate } from './operators/aggregates/rate.js';
export { type ReducerOptions, reducer } from './operators/aggregates/reducer.js';
export { sum } from './operators/aggregates/sum.js';
export { timeWeightedAvg } from './operators/aggregates/time-weighted-avg.js';
export { type AsOfJoinOptions, asOfJoin } from './operators/as-of-join.js';
export type { CheckpointCause } from './operators/checkpoint-policy.js';
export type { CheckpointEvent, CheckpointReport, TimedStep } from './operators/checkpoint-report.js';
export { type DedupeOptions, dedupe } from './operators/dedupe.js';
export type { Duration } from './operators/duration.js';
export { type FoldOptions, type FoldRow, fold } from './operators/fold.js';
export { type IntervalJoinOptions, intervalJoin } from './operators/interval-join.js';
export type { JoinDisorder, JoinKey, JoinKind, JoinTime, Match } from './operators/joins/options.js';
export { type LookupJoinOptions, type LookupTable, lookupJoin } from './operators/lookup-join.js';
export { bufferCount } from './operators/rxjs/buffer-count.js';
export { combineLatestWith } from './operators/rxjs/combine-latest-with.js';
export { distinct } from './operators/rxjs/distinct.js';
export { distinctUntilChanged, distinctUntilKeyChanged } from './operators/rxjs/distinct-until-changed.js';
export { pairwise } from './operators/rxjs/pairwise.js';
export { scan } from './operators/rxjs/scan.js';
export { skip } from './operators/rxjs/skip.js';
export { skipWhile } from './operators/rxjs/skip-while.js';
export { startWith } from './operators/rxjs/start-with.js';
export { take } from './operators/rxjs/take.js';
export { takeWhile } from './operators/rxjs/take-while.js';
export { withLatestFrom } from './operators/rxjs/with-latest-from.js';
export { zipWith } from './operators/rxjs/zip-with.js';
export { type Log, type WalOptions, type WhenFull, wal } from './operators/wal.js';
export { windowed } from './operators/windowed.js';
export { countWindow } from './operators/windows/count-window.js';
export { eventWindow } from './operators/windows/event-window.js';
export { hopping } from './operators/windows/hopping.js';
export type { Late, WindowedOptions } from './operators/windows/options.js';
export { session } from './operators/windows/session.js';
export { stateWindow } from './operators/windows/state-window.js';
export { type TumblingOptions, tumbling } from './operators/windows/tumbling.js';
export type { Window } from './operators/windows/window.js';
export type { WindowRow } from './operators/windows/window-row.js';
export type { Compute, Job, JobResult } from './snapshots/compute.js';
export { FileStorage } from './storage/file-storage.js';
export { type OpenOptions, type Storage, StorageError, type StorageFile, type StorageLock } from './storage/storage.js';
export type { ColumnsInput } from './streams/append-columns.js';
export type { ColumnInput, IndexedValues } from './streams/column-sources.js';
export type { DerivationStatus } from './streams/derived/derivation.js';
export { DerivedStream } from './streams/derived/derived-stream.js';
export type { DerivedOptions, DerivedSchemaOptions, OnError, TableOptions } from './streams/derived/options.js';
export type { Comparable, Cut } from './streams/derived/replay/cuts.js';
export type {
  Difference,
  Failure,
  KeyDifference,
  NotReplayed,
  Replayed,
  ReplayReport,
  RowDifference,
} from './streams/derived/replay/report.js';
export type { DeadLetter, LateEvent } from './streams/derived/side-streams.js';
export { Table } from './streams/derived/table.js';
export type { TableChange } from './streams/derived/table-output.js';
export type { FingerprintOptions } from './streams/fingerprint.js';
export type { BatchesOptions } from './streams/history/batches.js';
export type { BatchColumn, ColumnBatch, ValueColumn } from './streams/history/column-batch.js';
export { History, type HistoryOptions } from './streams/history/history.js';
export { Millrace, type StreamOptions } from './streams/millrace.js';
export type { MillraceOptions, Random } from './streams/options.js';
export type { Position, Reading, ReadOptions, Recorded } from './streams/reading.js';
export type { Appended, AppendedMany } from './streams/receipts.js';
export {
  type AnyColumn,
  bool,
  bytes,
  Column,
  float32,
  float64,
  type InputOf,
  int32,
  int64,
  json,
  key,
  type RowOf,
  type Schema,
  string,
  tag,
  timestamp,
} from './streams/schema.js';
export type { MillMetrics, MillStatus, Recovery } from './streams/status.js';
export { DurableStream } from './streams/stream.js';
export { type Declare, type VerifyReplayOptions, verifyReplay } from './streams/verify-replay.js';
export type { CutFile } from './wal/cut.js';
export type { LatencySummary } from './wal/metrics.js';
export type { WalLevel } from './wal/record.js';
export type { LogCut } from './wal/recovery.js';

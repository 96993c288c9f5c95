/// <reference types="node" />
export { CorruptLogError, type ErrorCode, type ErrorPosition, MillraceError, SchemaError } from './errors.js';
export { type Log, type WalOptions, type WhenFull, wal } from './operators/wal.js';
export { FileStorage } from './storage/file-storage.js';
export { type OpenOptions, type Storage, StorageError, type StorageFile, type StorageLock } from './storage/storage.js';
export type { ColumnsInput } from './streams/append-columns.js';
export type { ColumnInput, IndexedValues } from './streams/column-sources.js';
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
export type { CutFile } from './wal/cut.js';
export type { LatencySummary } from './wal/metrics.js';
export type { WalLevel } from './wal/record.js';
export type { LogCut } from './wal/recovery.js';

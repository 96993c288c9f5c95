import type { ColumnLayout } from './column.js';

/** The WAL level: when an append resolves. See docs/guarantees.md. */
export type WalLevel = 'off' | 'sync' | 'flush';

/** What the metadata log says, beside the frames' headers. Kept as canonical JSON. */
export type MetadataRecord =
  /** The mill was opened, at this level. */
  | { readonly kind: 'open'; readonly level: WalLevel }
  /** Lsns below `ceiling` may be given. After an unclean end the next one is the ceiling: any lower one may have been seen. */
  | { readonly kind: 'ceiling'; readonly ceiling: number }
  /** Everything before is durable; written when the log falls idle. */
  | { readonly kind: 'mark' }
  /** Everything before is durable, the mill was closed in order, the next lsn is `nextLsn`. */
  | { readonly kind: 'closed'; readonly nextLsn: number }
  /** A stream was declared, or its schema got a new version. */
  | {
      readonly kind: 'stream';
      readonly id: number;
      readonly name: string;
      readonly version: number;
      readonly columns: readonly ColumnLayout[];
    }
  /** Events of a stream that came before are kept only from this event time on, in milliseconds since the epoch. */
  | { readonly kind: 'retention'; readonly id: number; readonly from: number };

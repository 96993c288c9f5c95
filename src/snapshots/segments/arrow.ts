import {
  Binary,
  Bool,
  type DataType,
  Field,
  Float32,
  Float64,
  Int32,
  Int64,
  Message,
  MetadataVersion,
  Schema,
  TimestampMillisecond,
  Utf8,
} from 'apache-arrow';
import { FileBlock, Footer } from 'apache-arrow/ipc/metadata/file';
import { BufferRegion, FieldNode, RecordBatch } from 'apache-arrow/ipc/metadata/message';
import type { ColumnLayout, ColumnType } from '../../wal/column.js';
import { ALIGNMENT, alignedTo, END_OF_STREAM, MAGIC, MAGIC_BYTES } from '../segment-format.js';
import type { BodyPlaces, ColumnShape, Part } from './geometry.js';

// Arrow's own words about a segment: schema, batch messages, footer. The values are written and read in place by
// millrace: the library's writer would copy them once more, and its reader wants a whole batch where one column is asked for.

const TYPES: { readonly [T in ColumnType]: () => DataType } = {
  timestamp: () => new TimestampMillisecond('UTC'),
  string: () => new Utf8(),
  json: () => new Utf8(),
  bytes: () => new Binary(),
  bool: () => new Bool(),
  int32: () => new Int32(),
  int64: () => new Int64(),
  float32: () => new Float32(),
  float64: () => new Float64(),
};

const CONTINUATION = 0xff_ff_ff_ff;
const PREFIX_BYTES = 8;

/** The fields say what millrace knows and Arrow does not: `millrace.type` and `millrace.role`. */
export function arrowSchema(columns: readonly ColumnLayout[]): Schema {
  return new Schema(
    columns.map(({ name, type, role, optional }) => {
      const metadata = new Map([
        ['millrace.type', type],
        ['millrace.role', role],
      ]);
      return new Field(name, TYPES[type](), optional, name.startsWith('$') ? null : metadata);
    }),
  );
}

/** What a segment begins with: magic and schema message, up to where the first block may begin. */
export function headOf(schema: Schema): Uint8Array<ArrayBuffer> {
  const message = messageBytes(Message.from(schema), MAGIC_BYTES);
  const head = new Uint8Array(MAGIC_BYTES + message.length);
  head.set(MAGIC);
  head.set(message, MAGIC_BYTES);
  return head;
}

/** The message before a block's body, padded so that the body begins at a multiple of 64. */
export function batchMessage(rows: number, shapes: readonly ColumnShape[], places: BodyPlaces): Uint8Array {
  const nodes = shapes.map(({ nulls }) => new FieldNode(rows, nulls));
  const region = ({ offset, length }: Part): BufferRegion => new BufferRegion(offset, length);
  const buffers = places.columns.flatMap(({ validity, offsets, values }) =>
    offsets ? [region(validity), region(offsets), region(values)] : [region(validity), region(values)],
  );
  return messageBytes(Message.from(new RecordBatch(rows, nodes, buffers, null), places.length), 0);
}

function messageBytes(message: Message, offset: number): Uint8Array {
  const encoded = Message.encode(message);
  const bytes = new Uint8Array(alignedTo(offset + PREFIX_BYTES + encoded.length, ALIGNMENT) - offset);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, CONTINUATION, true);
  view.setUint32(4, bytes.length - PREFIX_BYTES, true);
  bytes.set(encoded, PREFIX_BYTES);
  return bytes;
}

/** Where a block is, in Arrow's terms. */
export interface BatchPlace {
  readonly offset: number;
  readonly messageBytes: number;
  readonly bytes: number;
}

/** What a segment ends with: end of stream, directory, footer. */
export function tailOf(schema: Schema, batches: readonly BatchPlace[], directory: readonly Uint8Array[]): Uint8Array {
  const blocks = batches.map(
    (batch) => new FileBlock(batch.messageBytes, batch.bytes - batch.messageBytes, batch.offset),
  );
  const footer = Footer.encode(new Footer(schema, MetadataVersion.V5, blocks, []));
  const length = new Uint8Array(Uint32Array.of(footer.length).buffer);
  return joined([END_OF_STREAM, ...directory, footer, length, MAGIC]);
}

export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

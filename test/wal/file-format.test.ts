import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { EventEntryBuilder, type StreamLayout } from '../../src/wal/event-entry.js';
import { ENTRY_HEADER_BYTES, FILE_HEADER_BYTES, FRAME_HEADER_BYTES, METADATA } from '../../src/wal/format.js';
import { encodeFrame, entriesOf, recordText } from '../../src/wal/frame.js';
import { FrameScanner } from '../../src/wal/frame-scanner.js';
import type { Hash } from '../../src/wal/hash.js';
import { NEXT, openLogFile, prepareLogFile, readFileHeader } from '../../src/wal/log-file.js';
import { batchOf, decodeRows, fill } from '../support/log-codec.js';
import { fileWith, look, now } from '../support/log-files.js';
import { checkpointPath, hashing, LogMill, logPath, READINGS, writeSmallMill } from '../support/log-mill.js';
import { framesIn } from '../support/log-oracle.js';

const PAGE = readFileSync(join(__dirname, '../../docs/file-format.md'), 'utf8');

/** The bytes of the example, from its hex block. */
const EXAMPLE = (() => {
  const block = /```hex\n(.*?)```/s.exec(PAGE)![1]!;
  const lines = block.trimEnd().split('\n');
  lines.forEach((line, at) => {
    expect(Number.parseInt(line, 10)).toBe(at * 16);
  });
  return Buffer.from(lines.map((line) => line.slice(6).replaceAll(' ', '')).join(''), 'hex');
})();

interface Field {
  readonly at: number;
  readonly bytes: number;
  readonly type: string;
  readonly name: string;
  readonly value: string;
}

/** The rows of the example's table. */
const FIELDS: Field[] = [...PAGE.slice(PAGE.indexOf('```hex')).matchAll(/^\| (\d+) \|(.*)\|$/gm)].map(
  ([, at, rest]) => {
    const [bytes, type, name, value] = rest!.split('|').map((cell) => cell.trim());
    return { at: Number(at), bytes: Number(bytes), type: type!, name: name!, value: value! };
  },
);

/** Where the fields of a header begin and how long they are, from the table under a heading. */
function tableUnder(heading: string): number[][] {
  const section = PAGE.slice(PAGE.indexOf(`### ${heading}`));
  const table = section.slice(0, section.indexOf('\n\n', section.indexOf('|---:|')));
  return [...table.matchAll(/^\| (\d+) \| (\d+) \|/gm)].map(([, at, bytes]) => [Number(at), Number(bytes)]);
}

const cell = (name: string) => FIELDS.find((field) => field.name === name)!.value;
const numberOf = (name: string) => Number(cell(name));
const listOf = (name: string) => cell(name).split(' ').map(Number);

const LAYOUT: StreamLayout = {
  id: 1,
  version: 1,
  columns: [
    { name: 'ts', type: 'timestamp', role: 'time', optional: false },
    { name: 'device', type: 'string', role: 'key', optional: false },
    { name: 'note', type: 'string', role: 'value', optional: true },
    { name: 'temperature', type: 'float64', role: 'value', optional: false },
  ],
};
const ROWS = [
  [1704067200000, 'a7', undefined, 21.5],
  [1704067200100, 'a7', 'warm', 21.75],
];

/** The text of a field as the table writes it. */
function read({ at, bytes, type }: Field): string {
  const all = (width: number, one: (at: number) => unknown) =>
    Array.from({ length: bytes / width }, (_, index) => String(one(at + index * width))).join(' ');
  switch (type) {
    case 'text':
      return EXAMPLE.toString('latin1', at, at + bytes);
    case 'hex':
      return EXAMPLE.toString('hex', at, at + bytes);
    case 'u16':
      return all(2, (place) => EXAMPLE.readUInt16LE(place));
    case 'u32':
      return all(4, (place) => EXAMPLE.readUInt32LE(place));
    case 'u64':
      return all(8, (place) => EXAMPLE.readBigUInt64LE(place));
    case 'f64':
      return all(8, (place) => EXAMPLE.readDoubleLE(place));
    default:
      return EXAMPLE.subarray(at, at + bytes).every((byte) => byte === 0) ? '' : 'not zero';
  }
}

let hash: Hash;
beforeAll(async () => {
  hash = await hashing();
});

describe('the example in docs/file-format.md', () => {
  it('has a field in its table for every byte, and each says what is there', () => {
    let end = 0;
    for (const field of FIELDS) {
      expect(field.at).toBe(end);
      expect({ at: field.at, value: read(field) }).toEqual({ at: field.at, value: field.value });
      end += field.bytes;
    }
    expect(end).toBe(EXAMPLE.length);
  });

  it('has its fields where the tables of the headers say', () => {
    const within = (start: number, length: number) =>
      FIELDS.filter(({ at }) => at >= start && at < start + length).map(({ at, bytes }) => [at - start, bytes]);
    expect(tableUnder(`File header, ${FILE_HEADER_BYTES} bytes`)).toEqual(within(0, FILE_HEADER_BYTES));
    expect(tableUnder(`Frame header, ${FRAME_HEADER_BYTES} bytes`)).toEqual(within(64, FRAME_HEADER_BYTES));
    expect(tableUnder('Event entry')).toEqual(within(136, ENTRY_HEADER_BYTES));
  });

  it('has the file header that the table says', () => {
    const header = now(readFileHeader(fileWith(EXAMPLE), hash));
    expect(header).toEqual({
      databaseId: Uint8Array.from(Buffer.from(cell('database id'), 'hex')),
      participant: numberOf('participant'),
      fileNumber: numberOf('file number'),
      seed: BigInt(cell('hash of the header, seed of the frames')),
    });
  });

  it('has one frame, with the header that the table says', () => {
    const file = fileWith(EXAMPLE);
    const { seed } = now(readFileHeader(file, hash));
    const scanner = new FrameScanner({ file, participant: 0, seed }, hash, 64, EXAMPLE.length);
    expect(look(scanner)).toBe('frame');
    expect(scanner.current.header).toEqual({
      bodyLength: numberOf('length of the body'),
      commit: numberOf('commit number'),
      participants: BigInt(cell('mask of participants')),
      durable: numberOf('durable'),
      firstLsn: numberOf('first lsn'),
      events: numberOf('events in the frame'),
      commitEvents: numberOf('events in the commit'),
      time: numberOf('time'),
      entries: numberOf('entries'),
    });
    scanner.advance();
    expect([look(scanner), scanner.position]).toEqual(['none', EXAMPLE.length]);
  });

  it('has the rows that the table says', () => {
    const [entry] = entriesOf(EXAMPLE.subarray(64));
    const batch = batchOf(LAYOUT, entry!.bytes, numberOf('first lsn'));
    expect([batch.rows, batch.keys]).toEqual([numberOf('rows'), numberOf('distinct keys')]);
    expect([...batch.keyIndex]).toEqual(listOf('key index'));
    expect([0, 1].map((row) => batch.lsnOf(row))).toEqual([1, 2]);
    const rows = decodeRows(LAYOUT, entry!.bytes);
    expect(rows).toEqual(ROWS);
    expect(rows.map(([ts]) => ts)).toEqual(listOf('ts'));
    expect(rows.map((row) => row[3])).toEqual(listOf('temperature'));
    expect(rows.map(([, device, note]) => [device, note])).toEqual([
      [cell('device: bytes'), undefined],
      [cell('device: bytes'), cell('note: bytes')],
    ]);
  });

  it('is what the writer makes of these rows', () => {
    const storage = new SimulatedStorage();
    storage.replace('/vgroup-00/other', new Uint8Array(0));
    const databaseId = Buffer.from(cell('database id'), 'hex');
    const identity = { databaseId, participant: 0, fileNumber: 1 };
    now(prepareLogFile(storage, '/vgroup-00', identity, 64, hash));
    now(storage.rename(`/vgroup-00/${NEXT}`, '/vgroup-00/current.wal'));
    const { header } = now(openLogFile(storage, '/vgroup-00', { databaseId, participant: 0 }, hash));
    const builder = new EventEntryBuilder(LAYOUT);
    fill(builder, ROWS);
    const frame = encodeFrame(
      {
        commit: numberOf('commit number'),
        participants: 1n,
        durable: numberOf('durable'),
        firstLsn: numberOf('first lsn'),
        events: ROWS.length,
        commitEvents: ROWS.length,
        time: numberOf('time'),
      },
      [builder.toEntry()],
      hash,
      header.seed,
    );
    const written = Buffer.concat([storage.contents('/vgroup-00/current.wal'), frame]);
    expect(written.toString('hex')).toBe(EXAMPLE.toString('hex'));
  });
});

describe('the records in docs/file-format.md', () => {
  it('are those that a mill writes, with their fields in the same order', async () => {
    const storage = await writeSmallMill({ vgroups: 1, level: 'sync', end: 'clean' });
    const metadata = [storage.contents(logPath(METADATA)), await metadataOfRetention()];
    const texts = metadata.flatMap((file) => framesIn(file).flatMap(({ bytes }) => entriesOf(bytes).map(recordText)));
    const written = texts.map((text) => fieldsOf(text.replace(/\[.*\]/, '[]')));
    const told = [...PAGE.matchAll(/^\| `(\{.*"kind".*\})` \|/gm)].map(([, text]) =>
      fieldsOf(text!.replaceAll('…', '')),
    );
    expect([...new Set(written)].sort()).toEqual(told.sort());
  });
});

/** A metadata log in which it was decided what is kept; the checkpoint that did it leaves it. */
async function metadataOfRetention(): Promise<Uint8Array> {
  const log = new LogMill(new SimulatedStorage());
  const readings = log.mill.stream('readings', { schema: READINGS, retention: '1d' });
  await log.until(log.mill.start());
  await log.until(readings.append({ ts: 0, device: 'a', value: 1 }));
  log.storage.failAt({ operation: 'open', path: /\.arrow$/, nth: 1, code: 'EIO' });
  await expect(log.until(log.mill.checkpoint())).rejects.toMatchObject({ code: 'EIO' });
  return log.storage.contents(checkpointPath(METADATA));
}

/** The names of the fields of a record, and its kind. */
function fieldsOf(text: string): string {
  const names = [...text.matchAll(/"(\w+)":/g)].map(([, name]) => name);
  return `${/"kind":"(\w+)"/.exec(text)![1]}: ${names.join()}`;
}

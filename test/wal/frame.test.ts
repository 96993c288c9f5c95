import fc from 'fast-check';
import { BODY_BYTES_MAX, FRAME_HEADER_BYTES } from '../../src/wal/format.js';
import { encodeFrame, entriesOf, isIntact, readHeader, recordSource, recordText } from '../../src/wal/frame.js';
import type { Hash } from '../../src/wal/hash.js';
import { encodeRows, layouts, rowsOf } from '../support/log-codec.js';
import { hashing } from '../support/log-mill.js';

let hash: Hash;
beforeAll(async () => {
  hash = await hashing();
});

const SEED = 42n;

const headers = fc.record({
  commit: fc.maxSafeInteger().map(Math.abs),
  participants: fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }),
  durable: fc.maxSafeInteger().map(Math.abs),
  firstLsn: fc.maxSafeInteger().map(Math.abs),
  events: fc.nat(2 ** 31 - 1),
  commitEvents: fc.nat(2 ** 31 - 1),
  time: fc.oneof(fc.maxSafeInteger(), fc.double({ noNaN: true })),
});

const records = fc.string({ unit: 'binary' }).map((text) => ({ text, source: recordSource(text) }));
const events = layouts
  .chain((layout) => rowsOf(layout).map((rows) => encodeRows(layout, rows)))
  .map((bytes) => ({
    bytes,
    source: { byteLength: bytes.length, encode: (target: Uint8Array, at: number) => target.set(bytes, at) },
  }));

/** A small frame with an event entry and a record. */
function small(seed = SEED): Uint8Array {
  const layout = {
    id: 1,
    version: 1,
    columns: [{ name: 'c', type: 'string', role: 'value', optional: true } as const],
  };
  const bytes = encodeRows(layout, [['grün'], [undefined]]);
  const source = { byteLength: bytes.length, encode: (target: Uint8Array, at: number) => target.set(bytes, at) };
  const header = { commit: 5, participants: 1n, durable: 4, firstLsn: 9, events: 2, commitEvents: 2, time: 1.5 };
  return encodeFrame(header, [source, recordSource('{"kind":"mark"}')], hash, seed);
}

describe('a frame', () => {
  it('gives back its header and its entries, whatever they are', () => {
    fc.assert(
      fc.property(headers, fc.array(fc.oneof(records, events), { maxLength: 5 }), (header, entries) => {
        const sources = entries.map((entry) => entry.source);
        const frame = encodeFrame(header, sources, hash, SEED);
        const bodyLength = sources.reduce((sum, source) => sum + source.byteLength, 0);
        expect(frame.length).toBe(FRAME_HEADER_BYTES + bodyLength);
        expect(readHeader(frame, 0)).toEqual({ ...header, bodyLength, entries: entries.length });
        expect(isIntact(frame, hash, SEED)).toBe(true);
        const found = entriesOf(frame).map((entry) =>
          entry.kind === 2 ? recordText(entry) : Buffer.from(entry.bytes),
        );
        expect(found).toEqual(entries.map((entry) => ('text' in entry ? entry.text : entry.bytes)));
      }),
    );
  });

  it('is found broken after any bit of it is flipped', () => {
    const frame = small();
    for (let bit = 0; bit < frame.length * 8; bit++) {
      const flipped = Buffer.from(frame);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect(isIntact(flipped, hash, SEED)).toBe(false);
    }
  });

  it('is found broken where parts of it changed places or were lost', () => {
    const frame = Buffer.from(small());
    const broken = [
      Buffer.concat([frame.subarray(0, 72), frame.subarray(80), frame.subarray(72, 80)]),
      Buffer.concat([frame.subarray(0, frame.length - 8), Buffer.alloc(8)]),
      Buffer.concat([frame, Buffer.alloc(8)]),
      frame.subarray(0, frame.length - 8),
      Buffer.alloc(frame.length),
    ];
    expect(broken.map((bytes) => isIntact(bytes, hash, SEED))).toEqual(broken.map(() => false));
  });

  it('is valid under its own seed only, so one of another file or mill never is', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (seed) => {
        expect(isIntact(small(), hash, seed)).toBe(seed === SEED);
      }),
    );
  });

  it.each<[string, (frame: Buffer) => unknown]>([
    ['another magic', (frame) => frame.write('MRF2', 0)],
    ['a length that is not a multiple of 8', (frame) => frame.writeUInt32LE(12, 4)],
    ['a length above the greatest', (frame) => frame.writeUInt32LE(BODY_BYTES_MAX + 8, 4)],
  ])('has no header with %s', (_, change) => {
    const frame = Buffer.from(small());
    change(frame);
    expect(readHeader(frame, 0)).toBeNull();
  });

  it('may be empty', () => {
    const header = { commit: 1, participants: 1n, durable: 0, firstLsn: 1, events: 0, commitEvents: 0, time: 0 };
    const frame = encodeFrame(header, [], hash, SEED);
    expect(frame.length).toBe(FRAME_HEADER_BYTES);
    expect(isIntact(frame, hash, SEED)).toBe(true);
    expect(entriesOf(frame)).toEqual([]);
  });
});

describe('a record', () => {
  it('shows nothing of what was in memory before', () => {
    const source = recordSource('{"a":1}');
    const target = new Uint8Array(source.byteLength).fill(0xff);
    source.encode(target, 0);
    expect(Buffer.from(target).toString('hex')).toBe(
      `2800000002000000${'07000000'}${'00'.repeat(20)}${Buffer.from('{"a":1}').toString('hex')}00`,
    );
  });
});

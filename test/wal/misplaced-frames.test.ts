import fc from 'fast-check';
import {
  check,
  checkOne,
  endOf,
  flipped,
  type KnownMill,
  knownMill,
  MILLS,
  OF_MILLS,
  overwritten,
} from '../support/log-damage.js';
import type { Expectation, KnownFile } from '../support/log-oracle.js';

const BODY = 64;

/** A file made of the header and these parts. */
const file = ({ bytes }: KnownFile, ...parts: readonly Uint8Array[]) =>
  Buffer.concat([bytes.subarray(0, BODY), ...parts]);

const bytesOf = ({ frames }: KnownFile) => frames.map((frame) => frame.bytes);

const withFrames = ({ files }: KnownMill) => files.filter(({ frames }) => frames.length > 0);

/** Ways to spoil the order of a file's frames, at each of its frames. */
const SPOILINGS: Record<string, (known: KnownFile, at: number) => Buffer | null> = {
  'lost: zeros in its place': (known, at) => {
    const { offset, bytes } = known.frames[at]!;
    return overwritten(known, offset, Buffer.alloc(bytes.length));
  },
  'lost: the next one in its place': (known, at) => file(known, ...bytesOf(known).toSpliced(at, 1), Buffer.alloc(64)),
  'swapped with the next one': (known, at) => {
    const frames = bytesOf(known);
    return frames[at + 1]
      ? file(known, ...frames.toSpliced(at, 2, frames[at + 1]!, frames[at]!), Buffer.alloc(64))
      : null;
  },
  'there twice': (known, at) => file(known, ...bytesOf(known).toSpliced(at, 0, bytesOf(known)[at]!), Buffer.alloc(64)),
  'there a second time at the end': (known, at) => file(known, ...bytesOf(known), bytesOf(known)[at]!),
  'moved to the end': (known, at) => file(known, ...bytesOf(known).toSpliced(at, 1), bytesOf(known)[at]!),
  'moved to the beginning': (known, at) => file(known, bytesOf(known)[at]!, ...bytesOf(known).toSpliced(at, 1)),
  'moved by eight bytes': (known, at) => file(known, ...bytesOf(known).toSpliced(at, 0, Buffer.alloc(8))),
  'moved by three bytes': (known, at) => file(known, ...bytesOf(known).toSpliced(at, 0, Buffer.alloc(3, 7))),
  'written over by the next one': (known, at) => {
    const next = known.frames[at + 1];
    return next ? overwritten(known, known.frames[at]!.offset, next.bytes) : null;
  },
  'torn: its second half is missing': (known, at) => {
    const { offset, bytes } = known.frames[at]!;
    return overwritten(known, offset + bytes.length / 2, Buffer.alloc(bytes.length / 2));
  },
};

/** Tails that may stand behind the last frame. */
const TAILS: Record<string, (known: KnownFile, mill: KnownMill, other: KnownMill) => Uint8Array> = {
  'no zeros': () => new Uint8Array(0),
  'more zeros': () => new Uint8Array(9_000),
  'zeros up to an odd length': () => new Uint8Array(101),
  'one byte': () => Uint8Array.of(1),
  garbage: (known) => Uint8Array.from({ length: 300 + endOf(known) }, (_, at) => (at * 7_919) % 251),
  'the beginning of a frame': (known) => known.frames[0]!.bytes.subarray(0, 71),
  'a frame header without its body': (known) =>
    Buffer.concat([known.frames[0]!.bytes.subarray(0, 72), Buffer.alloc(80)]),
  'frames of the same participant in another mill': (known, _, other) =>
    Buffer.concat(other.files.find(({ path }) => path === known.path)!.frames.map((one) => one.bytes)),
  'frames of another participant': (known, mill) =>
    Buffer.concat(bytesOf(withFrames(mill).find((one) => one !== known)!)),
  'frames of its own that are old': (known) => Buffer.concat(bytesOf(known).slice(0, 2)),
};

describe.each(MILLS)(`frames out of place: ${OF_MILLS}`, (about) => {
  let mill: KnownMill;
  let other: KnownMill;

  beforeAll(async () => {
    mill = await knownMill(about);
    other = await knownMill({ ...about, seed: 77 });
  });

  it.each(Object.keys(SPOILINGS))('a frame is %s', (what) => {
    const seen: Expectation[] = [];
    for (const known of mill.files) {
      for (const at of known.frames.keys()) {
        const image = SPOILINGS[what]!(known, at);
        if (image !== null) seen.push(checkOne(mill, known, image));
      }
    }
    expect(seen.length).toBeGreaterThan(0);
  });

  it.each(Object.keys(TAILS))('behind the last frame: %s', (what) => {
    for (const known of withFrames(mill)) {
      const image = file(known, ...bytesOf(known), TAILS[what]!(known, mill, other));
      const outcome = checkOne(mill, known, image);
      // All of a file was durable before the next one: there something else is damage.
      const isDamage = known.path.endsWith('checkpoint.wal') && !/zeros/.test(what);
      if (isDamage) expect(outcome.kind).toBe('refused');
      else expect(outcome).toMatchObject({ kind: 'recovered', commit: mill.commit });
    }
  });

  it('several files hurt at once, each in its way', () => {
    const damage = fc.record({
      file: fc.nat(),
      at: fc.nat(),
      how: fc.constantFrom('truncate', 'flip', 'zero', ...Object.keys(SPOILINGS)),
    });
    fc.assert(
      fc.property(fc.array(damage, { minLength: 1, maxLength: 4 }), (damages) => {
        const images = new Map<string, Buffer>();
        const files = withFrames(mill);
        for (const { file, at, how } of damages) {
          const known = files[file % files.length]!;
          const offset = BODY + (at % (endOf(known) - BODY));
          const image =
            how === 'truncate'
              ? known.bytes.subarray(0, offset)
              : how === 'flip'
                ? flipped(known, offset, 1 << (at & 7))
                : how === 'zero'
                  ? overwritten(known, offset, Buffer.alloc(512))
                  : SPOILINGS[how]!(known, at % known.frames.length);
          if (image !== null) images.set(known.path, image);
        }
        check(mill, images);
      }),
      { numRuns: 300 },
    );
  });
});

describe('the class of a loss', () => {
  let mill: KnownMill;
  beforeAll(async () => {
    mill = await knownMill({ vgroups: 1, level: 'sync', end: 'unclean' });
  });

  /** Commits 2, 3, 4, 6 and 7 have frames in the only VGroup; 1 and 5 are the metadata log's alone, 4 is in both. */
  const last = (what: string, at: number) => checkOne(mill, mill.files[0]!, SPOILINGS[what]!(mill.files[0]!, at)!);

  it.each<[string, number, Partial<Expectation>]>([
    ['lost: zeros in its place', 4, { kind: 'recovered', commit: 6 }],
    ['lost: zeros in its place', 3, { kind: 'refused', commit: 6 }],
    ['lost: zeros in its place', 0, { kind: 'refused', commit: 2 }],
    ['lost: the next one in its place', 2, { kind: 'refused', commit: 4 }],
    ['swapped with the next one', 3, { kind: 'refused', commit: 6 }],
    ['there twice', 4, { kind: 'recovered', commit: 7 }],
    ['there twice', 3, { kind: 'recovered', commit: 6 }],
    ['there a second time at the end', 0, { kind: 'recovered', commit: 7 }],
    ['moved to the end', 4, { kind: 'recovered', commit: 7 }],
    ['torn: its second half is missing', 4, { kind: 'recovered', commit: 6 }],
  ])('%s (frame %i of the VGroup)', (what, at, expected) => {
    expect(last(what, at)).toMatchObject(expected);
  });
});

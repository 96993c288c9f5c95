/**
 * What a recovery must find, worked out without the code under test: a frame counts where the file has, byte for byte, a
 * frame that was once written into this very file. No checksum is computed here.
 */

const HEADER_BYTES = 64;
const METADATA = 63;

export interface KnownFrame {
  readonly offset: number;
  readonly end: number;
  readonly commit: number;
  readonly participants: bigint;
  readonly durable: number;
  readonly events: number;
  readonly bytes: Buffer;
}

/** The frames of a log file that is known to be good, read as docs/file-format.md says. */
export function framesIn(file: Uint8Array): KnownFrame[] {
  const buffer = Buffer.from(file);
  const frames: KnownFrame[] = [];
  for (let offset = HEADER_BYTES; buffer.toString('latin1', offset, offset + 4) === 'MRF1'; ) {
    const end = offset + 72 + buffer.readUInt32LE(offset + 4);
    frames.push({
      offset,
      end,
      commit: Number(buffer.readBigUInt64LE(offset + 8)),
      participants: buffer.readBigUInt64LE(offset + 16),
      durable: Number(buffer.readBigUInt64LE(offset + 24)),
      events: buffer.readUInt32LE(offset + 40),
      bytes: buffer.subarray(offset, end),
    });
    offset = end;
  }
  return frames;
}

/** A participant's log file as it was written. */
export interface KnownFile {
  readonly participant: number;
  readonly path: string;
  readonly bytes: Buffer;
  readonly frames: readonly KnownFrame[];
}

export function knownFile(participant: number, path: string, bytes: Buffer): KnownFile {
  return { participant, path, bytes, frames: framesIn(bytes) };
}

/** Where a participant's file ends for a recovery, and what lies behind. */
interface End {
  readonly file: KnownFile;
  /** Where the last commit that counts ends. */
  readonly offset: number;
  /** The frame that stands there all the same. */
  readonly standing: KnownFrame | null;
  /** What lies there, without the zeros at the end. */
  readonly rest: Buffer;
  /** The commit of the first frame behind bytes that cannot be read; `null` where there is none. */
  readonly behindUnreadable: number | null;
}

/** Everything is kept up to a commit, and what lies behind it is cut. */
export interface Survives {
  readonly kind: 'recovered';
  readonly commit: number;
  readonly events: number;
  /** By path: where its frames end, and the bytes that are cut, none where the file ends clean. */
  readonly ends: ReadonlyMap<string, { readonly offset: number; readonly cut: Buffer }>;
}

/** A commit that was durable cannot be read. */
export interface Refused {
  readonly kind: 'refused';
  readonly commit: number;
  /** The files that may be at fault, and where. */
  readonly suspects: ReadonlyMap<string, number>;
}

export type Expectation = Survives | Refused;

/**
 * What must come of a mill whose log files (of each participant the oldest first) are now `images` (by path, as far as they
 * differ), and whose snapshot has the commits up to `base`. Where a file ends, the participant's next one goes on.
 */
export function expectation(
  files: readonly KnownFile[],
  images: ReadonlyMap<string, Buffer>,
  base: number,
): Expectation {
  const imageOf = (file: KnownFile) => images.get(file.path) ?? file.bytes;
  const broken = files.filter((file) => Buffer.compare(head(imageOf(file)), head(file.bytes)) !== 0);
  if (broken.length > 0) {
    return { kind: 'refused', commit: Number.NaN, suspects: new Map(broken.map((file) => [file.path, 0])) };
  }
  const positions = new Map(files.map((file) => [file, HEADER_BYTES]));
  const standing = (file: KnownFile) => frameAt(file, imageOf(file), positions.get(file)!);
  let awaited = files.filter((file) => isFirst(file, files));
  let commit = base;
  let events = 0;
  let durable = base;
  for (;;) {
    awaited = awaited.map((file) => (standing(file) === null ? (nextOf(file, files) ?? file) : file));
    const parts = awaited.flatMap((file) => {
      const frame = standing(file);
      return frame?.commit === commit + 1 ? [{ file, frame }] : [];
    });
    const present = parts.reduce((mask, { file }) => mask | (1n << BigInt(file.participant)), 0n);
    if (present !== parts[0]?.frame.participants) break;
    commit++;
    for (const { file, frame } of parts) {
      positions.set(file, positions.get(file)! + frame.bytes.length);
      durable = Math.max(durable, frame.durable);
      events += frame.events;
    }
  }
  const ends: End[] = files.map((file) => {
    const offset = positions.get(file)!;
    const behind = framesBehind(file, imageOf(file), offset);
    durable = Math.max(durable, ...behind.map(({ frame }) => frame.durable));
    const rest = restOf(imageOf(file), offset, behind);
    return { file, offset, standing: standing(file), rest, behindUnreadable: behindUnreadable(rest, offset, behind) };
  });
  const reached = ends.filter(({ file }) =>
    awaited.some((one) => one.participant === file.participant && files.indexOf(file) <= files.indexOf(one)),
  );
  // All of a file is durable before the next one is there.
  const hurt = reached.filter(({ file, rest }) => !awaited.includes(file) && rest.length > 0);
  // What stands before a frame is of an earlier commit: if all of these were durable, it must be readable.
  const hurtBelow = ends.filter(({ behindUnreadable: next }) => next !== null && next - 1 <= durable);
  const [first] = [hurt, hurtBelow].filter((found) => found.length > 0);
  const suspects = first ? placesOf(first) : suspectsOf(reached, commit + 1);
  if (first || reached.length < ends.length || durable > commit)
    return { kind: 'refused', commit: commit + 1, suspects };
  return {
    kind: 'recovered',
    commit,
    events,
    ends: new Map(ends.map(({ file, offset, rest }) => [file.path, { offset, cut: rest }])),
  };
}

function isFirst(file: KnownFile, files: readonly KnownFile[]): boolean {
  return files.find(({ participant }) => participant === file.participant) === file;
}

function nextOf(file: KnownFile, files: readonly KnownFile[]): KnownFile | undefined {
  const next = files[files.indexOf(file) + 1];
  return next?.participant === file.participant ? next : undefined;
}

function head(bytes: Buffer): Buffer {
  return bytes.subarray(0, HEADER_BYTES);
}

function frameAt(file: KnownFile, image: Buffer, offset: number): KnownFrame | null {
  const isThere = ({ bytes }: KnownFrame) => image.subarray(offset, offset + bytes.length).equals(bytes);
  return file.frames.find(isThere) ?? null;
}

/** Up to the last byte that is not zero, and to the end of the last frame. */
function restOf(image: Buffer, offset: number, behind: readonly Found[]): Buffer {
  let end = image.length;
  while (end > offset && image[end - 1] === 0) end--;
  return image.subarray(offset, Math.max(end, ...behind.map(({ at, frame }) => at + frame.bytes.length)));
}

function behindUnreadable(rest: Buffer, offset: number, [first]: readonly Found[]): number | null {
  if (first === undefined) return null;
  return rest.subarray(0, first.at - offset).some((byte) => byte !== 0) ? first.frame.commit : null;
}

interface Found {
  readonly at: number;
  readonly frame: KnownFrame;
}

/** Frames of this file wherever they are, if it is at a multiple of 8. */
function framesBehind(file: KnownFile, image: Buffer, offset: number): Found[] {
  const found: Found[] = [];
  for (let at = image.indexOf('MRF1', offset); at >= 0; at = image.indexOf('MRF1', at + 1)) {
    const frame = at % 8 === 0 ? frameAt(file, image, at) : null;
    if (frame !== null) found.push({ at, frame });
  }
  return found;
}

/**
 * Where another participant's frame of the lost commit can still be read, it names those that must have one. Else any
 * file may have had it that does not go on with a frame; one that ends in something unreadable rather than one that just ends.
 */
function suspectsOf(ends: readonly End[], lost: number): Map<string, number> {
  const named = ends.find(({ standing }) => standing?.commit === lost)?.standing?.participants;
  const lacking = ends.filter(({ file, standing }) => {
    if (standing?.commit === lost) return false;
    return named === undefined || ((named >> BigInt(file.participant)) & 1n) === 1n;
  });
  const silent = lacking.filter(({ standing }) => standing === null);
  const unreadable = silent.filter(({ rest }) => rest.length > 0);
  const suspects = [unreadable, silent, lacking].find((ends) => ends.length > 0)!;
  return placesOf(suspects);
}

function placesOf(ends: readonly End[]): Map<string, number> {
  return new Map(ends.map(({ file, offset }) => [file.path, offset]));
}

export const PARTICIPANTS = (vgroups: number): number[] => [
  ...Array.from({ length: vgroups }, (_, vgroup) => vgroup),
  METADATA,
];

import { METADATA, VGROUPS_MAX } from '../../wal/format.js';
import { logDirectory } from '../../wal/log-file.js';
import type { Output } from '../output.js';
import { counted, numberOf, oneLine } from '../words.js';
import { type FrameFacts, frameInWords } from './frame-words.js';
import type { HeaderFacts } from './header.js';
import type { Found } from './mill-files.js';
import type { Gap } from './walk.js';

/** How a file ends. */
export interface EndFacts {
  readonly path: string;
  readonly frames: number;
  /** Frames beyond the limit of those that are shown. */
  readonly unshown: number;
  /** Of the last frame. */
  readonly commit: number | null;
  /** Where the last valid frame ends. */
  readonly end: number;
  readonly bytes: number;
  /** What is behind it; `null` where the file ends with its last frame. */
  readonly gap: Gap | null;
}

/** Tells what `inspect` finds, as it finds it. */
export interface Teller {
  mill(path: string, found: Found): Promise<void>;
  file(facts: HeaderFacts): Promise<void>;
  frame(facts: FrameFacts): Promise<void>;
  /** A gap with valid frames behind it. */
  gap(gap: Gap): Promise<void>;
  end(facts: EndFacts): Promise<void>;
}

/** One JSON object a line; `kind` says which of these it is. */
export class JsonTeller implements Teller {
  constructor(private readonly output: Output) {}

  mill(path: string, { manifest, logs, cuts }: Found): Promise<void> {
    const faults = typeof manifest === 'string' ? { manifest: null, fault: manifest } : { ...manifest };
    return this.tell('mill', { path, ...faults, logs, cuts });
  }

  file(facts: HeaderFacts): Promise<void> {
    return this.tell('file', facts);
  }

  frame(facts: FrameFacts): Promise<void> {
    return this.tell('frame', facts);
  }

  gap(gap: Gap): Promise<void> {
    return this.tell('gap', gap);
  }

  end(facts: EndFacts): Promise<void> {
    return this.tell('end', facts);
  }

  private tell(kind: string, facts: object): Promise<void> {
    return this.output.line(JSON.stringify({ kind, ...facts }));
  }
}

/** Words for people. */
export class TextTeller implements Teller {
  constructor(private readonly output: Output) {}

  async mill(path: string, { manifest, cuts }: Found): Promise<void> {
    if (manifest === null) await this.say(`mill in ${path}: its manifest is missing`);
    else if (typeof manifest === 'string') await this.say(`mill in ${path}: ${manifest}`);
    else {
      const { databaseId, vgroups, commit, nextLsn } = manifest.manifest;
      const copies = manifest.isWhole ? '' : '; one of the two copies of its manifest is missing, damaged or old';
      const begin = `the log begins after commit ${commit}, lsn ${counted(nextLsn)}`;
      await this.say(`mill ${databaseId} in ${path}: ${numberOf(vgroups, 'VGroup')}, ${begin}${copies}`);
    }
    for (const cut of cuts) await this.say(`copy of what a recovery cut: ${cut}`);
  }

  async file({ path, bytes, header, fault }: HeaderFacts): Promise<void> {
    await this.say(`${path}: ${numberOf(bytes, 'byte')}`);
    if (fault !== null) await this.say(`  damaged header: ${fault}`);
    if (header === null) return;
    const { participant, fileNumber, databaseId } = header;
    const isOne = participant < VGROUPS_MAX || participant === METADATA;
    const name = isOne ? logDirectory(participant) : `participant ${participant}`;
    await this.say(`  log of ${name}, file number ${fileNumber}, of mill ${databaseId}`);
  }

  async frame(facts: FrameFacts): Promise<void> {
    for (const line of frameInWords(facts)) await this.output.line(line);
  }

  async gap({ from, to, dirty, reason }: Gap): Promise<void> {
    const what = dirty === null ? `${numberOf(to - from, 'byte')} of zeros` : `${numberOf(to - from, 'byte')}`;
    await this.say(
      `  at ${counted(from)}: ${what} that cannot be read: ${reason}. A valid frame follows at ${counted(to)}.`,
    );
  }

  async end({ frames, unshown, commit, end, bytes, gap }: EndFacts): Promise<void> {
    if (unshown > 0) await this.say(`  and ${numberOf(unshown, 'more frame')}`);
    const last = commit === null ? 'no frames' : `${numberOf(frames, 'frame')}, the last of commit ${commit}`;
    await this.say(`  ${last}, up to byte ${counted(Math.min(end, bytes))}; ${behindInWords(bytes, gap)}`);
  }

  private say(text: string): Promise<void> {
    return this.output.line(text.startsWith('  ') ? `  ${oneLine(text.trim())}` : oneLine(text));
  }
}

function behindInWords(bytes: number, gap: Gap | null): string {
  if (gap === null) return 'the file ends there: clean';
  if (gap.dirty === null) return `then ${numberOf(gap.to - gap.from, 'byte')} of zeros, prepared: clean`;
  const { from, to } = gap.dirty;
  const zeros = bytes > to ? `, then ${numberOf(bytes - to, 'byte')} of zeros` : '';
  const range = `bytes ${counted(from)} to ${counted(to)} cannot be read: ${gap.reason}`;
  return `${range}${zeros}. No valid frame follows: a torn end, or damage`;
}

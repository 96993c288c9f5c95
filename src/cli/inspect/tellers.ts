import { basename } from 'node:path';
import type { FoundManifest } from '../../snapshots/manifest.js';
import { METADATA, VGROUPS_MAX } from '../../wal/format.js';
import { logDirectory, NEXT } from '../../wal/log-file.js';
import type { Output } from '../output.js';
import { columnInWords, counted, numberOf, oneLine, timeInWords } from '../words.js';
import { derivedInWords } from './derived-facts.js';
import { type FrameFacts, frameInWords } from './frame-words.js';
import type { HeaderFacts } from './header.js';
import type { Found } from './mill-files.js';
import { type BlockFacts, blockInWords, type SegmentFacts, segmentInWords, segmentsInWords } from './segment-facts.js';
import { type StateFileFacts, stateFileInWords } from './state-file-facts.js';
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
  /** A segment, and its blocks where they are wanted. */
  segment(facts: SegmentFacts, blocks: readonly BlockFacts[]): Promise<void>;
  /** A file of state. */
  state(facts: StateFileFacts): Promise<void>;
  file(facts: HeaderFacts): Promise<void>;
  frame(facts: FrameFacts): Promise<void>;
  /** A gap with valid frames behind it. */
  gap(gap: Gap): Promise<void>;
  end(facts: EndFacts): Promise<void>;
}

/** One JSON object a line; `kind` says which of these it is. */
export class JsonTeller implements Teller {
  constructor(private readonly output: Output) {}

  async mill(path: string, { manifest, segments, derived, logs, leftovers, cuts }: Found): Promise<void> {
    const isThere = manifest !== null && typeof manifest !== 'string';
    const fault = typeof manifest === 'string' ? manifest : null;
    const { streams = [], segments: _, derived: __, ...facts } = isThere ? manifest.manifest : {};
    const about = isThere ? { manifest: facts, isWhole: manifest.isWhole } : { manifest: null };
    await this.tell('mill', { path, ...about, fault, logs, leftovers, cuts });
    for (const stream of streams) await this.tell('stream', stream);
    for (const { kind, ...entry } of derived) await this.tell('derived', { derived: kind, ...entry });
    for (const segment of segments) await this.segment(segment, []);
  }

  async segment(facts: SegmentFacts, blocks: readonly BlockFacts[]): Promise<void> {
    await this.tell('segment', facts);
    for (const block of blocks) await this.tell('block', block);
  }

  state(facts: StateFileFacts): Promise<void> {
    return this.tell('state', facts);
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

  async mill(path: string, { manifest, segments, derived, leftovers, cuts }: Found): Promise<void> {
    if (manifest === null) await this.say(`mill in ${path}: its manifest is missing`);
    else if (typeof manifest === 'string') await this.say(`mill in ${path}: ${manifest}`);
    else for (const line of manifestInWords(path, manifest)) await this.say(line);
    for (const facts of derived) for (const line of derivedInWords(facts)) await this.say(line);
    for (const id of new Set(segments.map(({ streamId }) => streamId))) {
      const ofStream = segments.filter(({ streamId }) => streamId === id);
      await this.say(segmentsInWords(ofStream));
      for (const facts of ofStream) await this.say(`  ${basename(facts.path)}: ${segmentInWords(facts)}`);
    }
    for (const left of leftovers) await this.say(`left from a crash, or just being made: ${left}`);
    for (const cut of cuts) await this.say(`copy of what a recovery cut: ${cut}`);
  }

  async segment(facts: SegmentFacts, blocks: readonly BlockFacts[]): Promise<void> {
    await this.say(`${facts.path}: ${facts.stream}, ${segmentInWords(facts)}`);
    for (const block of blocks) await this.say(blockInWords(block));
  }

  async state(facts: StateFileFacts): Promise<void> {
    for (const line of stateFileInWords(facts)) await this.say(line);
  }

  async file({ path, bytes, header, fault }: HeaderFacts): Promise<void> {
    await this.say(`${path}: ${numberOf(bytes, 'byte')}`);
    const isPrepared = path.endsWith(`/${NEXT}`);
    if (fault !== null)
      await this.say(
        isPrepared ? '  not finished: it is prepared anew when it is needed' : `  damaged header: ${fault}`,
      );
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

function manifestInWords(path: string, { manifest, isWhole }: FoundManifest): string[] {
  const { databaseId, vgroups, sequence, commit, nextLsn, logs, streams } = manifest;
  const copies = isWhole ? 'two equal copies' : 'one of the two copies is missing, damaged or old';
  const numbers = logs.every((number) => number === logs[0]) ? [logs[0]] : logs;
  return [
    `mill ${databaseId} in ${path}: ${numberOf(vgroups, 'VGroup')}`,
    `manifest: sequence ${sequence}, ${copies}; everything up to commit ${commit} is in segments, the next lsn is ${counted(nextLsn)}, the log goes on in file number ${numbers.join(', ')}`,
    ...streams.map(({ id, name, versions, retained }) => {
      const columns = versions.at(-1)?.map(columnInWords).join(', ');
      const kept =
        retained && `; events below lsn ${counted(retained.lsn)} are kept from ${timeInWords(retained.from)} on`;
      return `stream ${id}: ${name}, version ${versions.length}: ${columns}${kept ?? ''}`;
    }),
  ];
}

function behindInWords(bytes: number, gap: Gap | null): string {
  if (gap === null) return 'the file ends there: clean';
  if (gap.dirty === null) return `then ${numberOf(gap.to - gap.from, 'byte')} of zeros, prepared: clean`;
  const { from, to } = gap.dirty;
  const zeros = bytes > to ? `, then ${numberOf(bytes - to, 'byte')} of zeros` : '';
  const range = `bytes ${counted(from)} to ${counted(to)} cannot be read: ${gap.reason}`;
  return `${range}${zeros}. No valid frame follows: a torn end, or damage`;
}

import type { ReplayReport } from '../../streams/derived/replay/report.js';
import { bytesInWords, counted, millisecondsInWords, numberOf, oneLine } from '../words.js';
import type { CheckedLog } from './check-log.js';
import type { CheckedSegments } from './check-segments.js';
import type { CheckedState } from './check-state.js';
import type { Damage } from './findings.js';
import { replayInWords } from './replay-words.js';

/** What a verification found, for `--json` as it is. */
export interface VerifyReport {
  readonly path: string;
  /** Whether no damage was found. */
  readonly sound: boolean;
  /** `null` where no copy can be read; then nothing else can be checked. */
  readonly manifest: {
    readonly databaseId: string;
    readonly vgroups: number;
    readonly sequence: number;
    readonly commit: number;
    readonly nextLsn: number;
    readonly streams: readonly string[];
    /** Both copies are there and equal. */
    readonly isWhole: boolean;
  } | null;
  readonly segments: CheckedSegments | null;
  readonly state: CheckedState | null;
  /** `null` where the log is too damaged to be judged. */
  readonly log: CheckedLog | null;
  /** What was derived again, where that was asked for and there is no damage. */
  readonly replay: ReplayReport | null;
  readonly damages: readonly Damage[];
  readonly notes: readonly string[];
  /** Milliseconds. */
  readonly duration: number;
}

export function reportInWords(report: VerifyReport): string[] {
  const { damages, notes, duration, replay } = report;
  const different = replay?.derived.filter(({ difference }) => difference !== null).length ?? 0;
  const found = [
    damages.length === 0 ? 'No damage' : numberOf(damages.length, 'damage'),
    ...(replay === null ? [] : [different === 0 ? 'no difference' : numberOf(different, 'difference')]),
  ];
  return [
    ...headInWords(report),
    ...notes.map((note) => `note: ${note}`),
    ...damages.map(({ message, code }) => `DAMAGE: ${message} (${code})`),
    ...(replay === null ? [] : replayInWords(replay)),
    `${found.join(' and ')} found in ${millisecondsInWords(duration)}. Nothing was changed.`,
  ].map(oneLine);
}

function headInWords({ path, manifest, segments, state, log }: VerifyReport): string[] {
  if (manifest === null) return [`mill in ${path}: there is no manifest by which anything could be checked`];
  const { databaseId, vgroups, sequence, commit, nextLsn, streams, isWhole } = manifest;
  const copies = isWhole ? 'two equal copies' : 'one good copy';
  const names = streams.length === 0 ? 'no streams' : `${numberOf(streams.length, 'stream')} (${streams.join(', ')})`;
  return [
    `mill ${databaseId} in ${path}: ${numberOf(vgroups, 'VGroup')}, ${names}`,
    `manifest: sequence ${sequence}, ${copies}; everything up to commit ${commit} and below lsn ${counted(nextLsn)} is in segments`,
    `segments: ${segmentsInWords(segments!)}`,
    ...(state!.derived === 0 ? [] : [`state: ${stateInWords(state!)}`]),
    `log: ${log === null ? 'cannot be judged' : logInWords(log)}`,
  ];
}

function segmentsInWords({ count, rows, bytes, blocks }: CheckedSegments): string {
  if (count === 0) return 'none';
  return `${numberOf(count, 'file')}, ${numberOf(blocks, 'block')}, ${numberOf(rows, 'row')}, ${bytesInWords(bytes)}`;
}

function stateInWords({ derived, states, files, bytes }: CheckedState): string {
  const what = `${numberOf(derived, 'derived stream')} and tables`;
  return `${what}, ${numberOf(states, 'state')} in ${numberOf(files, 'file')}, ${bytesInWords(bytes)}`;
}

function logInWords({ files, commits, events, lastCommit, closed, torn }: CheckedLog): string {
  const what = `${numberOf(files, 'file')}, ${numberOf(commits, 'commit')} with ${numberOf(events, 'event')}, up to commit ${lastCommit}`;
  if (closed && torn === 0) return `${what}; closed in order`;
  return `${what}; not closed in order, ${torn === 0 ? 'nothing is torn' : `${numberOf(torn, 'byte')} torn`}`;
}

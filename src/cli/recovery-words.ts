import type { MillMetrics, Recovery } from '../streams/status.js';
import type { WalLevel } from '../wal/record.js';
import { bytesInWords, counted, millisecondsInWords, numberOf } from './words.js';

type Segments = MillMetrics['segments'];

/** What a start found, in one sentence. */
export function recoveryInWords(directory: string, recovery: Recovery, segments: Segments): string {
  const { clean, commits, events, cut, duration } = recovery;
  const time = millisecondsInWords(duration);
  const isEmpty = commits === 0 && cut.files.length === 0;
  if (isEmpty && segments.count === 0) return `${directory} is a new mill.`;
  const snapshot = segmentsInWords(segments);
  if (clean && events === 0) return `${directory} was closed in order, with ${snapshot}: started in ${time}.`;
  const found = `${numberOf(commits, 'commit')} with ${numberOf(events, 'event')}`;
  if (clean) return `${directory} was closed in order: ${found} read back in ${time}, and ${snapshot}.`;
  const behind = segments.count === 0 ? '' : ` after its last checkpoint, which left ${snapshot}`;
  return `${directory} was not closed in order: ${found} recovered in ${time}${behind}; ${cutInWords(recovery)}.`;
}

export function segmentsInWords({ count, bytes }: Segments): string {
  return count === 0 ? 'no segments' : `${numberOf(count, 'segment')} of ${bytesInWords(bytes)}`;
}

function cutInWords({ cut }: Recovery): string {
  if (cut.files.length === 0) return 'nothing had to be cut';
  const folders = [...new Set(cut.files.map(({ copy }) => copy.slice(0, copy.lastIndexOf('/'))))];
  const what = `${numberOf(cut.commits, 'commit')} that ${cut.commits === 1 ? 'was' : 'were'} never promised`;
  const verb = cut.commits === 1 ? 'was' : 'were';
  return `${what} ${verb} cut (${bytesInWords(cut.bytes)}), copy in ${folders.join(', ')}`;
}

/** What the level means for what is written now; `null` where it is the default. */
export function levelInWords(level: WalLevel): string | null {
  if (level === 'off') return 'Level off: a crash or a kill takes what was written since the last checkpoint.';
  if (level === 'flush') return 'Level flush: a loss of power may take the last seconds; a kill takes nothing.';
  return null;
}

export function closedInWords(directory: string, { nextLsn, segments }: MillMetrics): string {
  const last = nextLsn - 1;
  if (last <= 0) return `${directory} is closed in order, without events.`;
  return `${directory} is closed in order at lsn ${counted(last)}, with ${segmentsInWords(segments)}.`;
}

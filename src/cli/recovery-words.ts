import type { Recovery } from '../streams/status.js';
import type { WalLevel } from '../wal/record.js';
import { bytesInWords, counted, millisecondsInWords, numberOf } from './words.js';

/** What a start found, in one sentence. */
export function recoveryInWords(directory: string, recovery: Recovery): string {
  const { clean, commits, events, cut, duration } = recovery;
  if (commits === 0 && cut.files.length === 0) return `${directory} is a new mill.`;
  const found = `${numberOf(commits, 'commit')} with ${numberOf(events, 'event')}`;
  const time = millisecondsInWords(duration);
  if (clean) return `${directory} was closed in order: ${found} read back in ${time}.`;
  return `${directory} was not closed in order: ${found} recovered in ${time}; ${cutInWords(recovery)}.`;
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
  if (level === 'off') return 'Level off: nothing that is written now is kept across a restart.';
  if (level === 'flush') return 'Level flush: a loss of power may take the last seconds; a kill takes nothing.';
  return null;
}

export function closedInWords(directory: string, nextLsn: number, level: WalLevel): string {
  if (level === 'off') return `${directory} is closed. At level off its events were not kept.`;
  const last = nextLsn - 1;
  return `${directory} is closed in order${last > 0 ? ` at lsn ${counted(last)}` : ', without events'}.`;
}

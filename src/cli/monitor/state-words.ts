import type { DerivedMetrics, MillMetrics } from '../../streams/status.js';
import { inWords } from '../report.js';
import { bytesInWords, counted, numberOf } from '../words.js';

/** What is kept where: in the log until a checkpoint brings it into segments. `checkpoint`: what became of the last one. */
export function keptInWords(checkpoint: string, { unsavedBytes, logBytes, segments }: MillMetrics): string[] {
  const { count, bytes } = segments;
  return [
    checkpoint,
    `unsaved ${bytesInWords(unsavedBytes)}`,
    `log ${bytesInWords(logBytes)}`,
    `snapshot ${count === 0 ? 'empty' : `${bytesInWords(bytes)} in ${numberOf(count, 'segment')}`}`,
  ];
}

/** What derived streams and tables are doing, and how many entries they keep. */
export function derivedInWords({ derived }: Pick<MillMetrics, 'derived'>): string[] {
  const names = new Map<string, string[]>();
  for (const one of derived) {
    const state = stateInWords(one);
    names.set(state, [...(names.get(state) ?? []), one.name]);
  }
  const states = [...names].map(([state, those]) => `${those.join(', ')} ${state}`);
  const entries = derived.flatMap(({ states: sizes }) => Object.values(sizes)).reduce((sum, size) => sum + size, 0);
  return [`derived: ${states.join('; ')}`, `${counted(entries)} entries`];
}

function stateInWords({ state, processedTo }: DerivedMetrics): string {
  return state === 'catchingUp' ? `catching up at lsn ${counted(processedTo)}` : state;
}

/** Why some stopped; `null` where none did. */
export function stoppedInWords(derived: readonly DerivedMetrics[]): string | null {
  const stopped = derived.filter(({ state }) => state === 'stopped');
  if (stopped.length === 0) return null;
  const [{ name, lsn, cause }] = stopped as [DerivedMetrics];
  const others = stopped.length === 1 ? '' : `, and ${counted(stopped.length - 1)} more`;
  return `${name} stopped at lsn ${counted(lsn!)}${others}; samples are still written, and a restart tries again: ${inWords(cause)}`;
}

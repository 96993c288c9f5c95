import type { Comparable } from '../../streams/derived/replay/cuts.js';
import type { Difference, Replayed, ReplayReport } from '../../streams/derived/replay/report.js';
import { inWords } from '../report.js';
import { plain } from '../tail/row-words.js';
import { counted, numberOf, timeInWords } from '../words.js';

/** A report that JSON can say. */
export function replayFacts(report: ReplayReport): object {
  return { ...report, derived: report.derived.map((one) => ({ ...one, difference: factsOf(one.difference) })) };
}

function factsOf(difference: Difference | null): unknown {
  if (difference?.kind !== 'failure') return plain(difference);
  const { kind, lsn, cause } = difference;
  return { kind, lsn, cause: inWords(cause) };
}

export function replayInWords({ derived, notReplayed }: ReplayReport): string[] {
  return [
    ...derived.map((one) => `replay: ${one.name}: ${equalInWords(one)}${limitInWords(one)}`),
    ...notReplayed.map(({ name, why }) => `note: ${name} was not compared: ${NOT_REPLAYED[why]}.`),
    ...derived.flatMap((one) =>
      one.difference === null ? [] : [`DIFFERENT: ${differenceInWords(one, one.difference)}${rebuiltInWords(one)}`],
    ),
  ];
}

const NOT_REPLAYED = {
  new: 'it is declared, but not in the mill yet',
  version: 'the mill has another version of it than the declared one, which the next start builds, or goes on building',
  undeclared: 'it is in the mill, but not declared',
} as const;

function rebuiltInWords({ name, readsRebuilt }: Replayed): string {
  if (readsRebuilt.length === 0) return '';
  return `. It reads ${readsRebuilt.join(', ')}, which was built anew: what comes from older rows stays until ${name} has a new version, too`;
}

function equalInWords({ kind, equal, difference, comparable, processedTo }: Replayed): string {
  if (comparable.from === 'never') return 'cannot be compared';
  const what = numberOf(equal, kind === 'stream' ? 'row' : 'key');
  const place = `of events below lsn ${counted(processedTo)}`;
  return difference === null
    ? `${what} ${place} ${equal === 1 ? 'is' : 'are'} what the pipeline gives`
    : `different, behind ${what} that ${equal === 1 ? 'is' : 'are'} what the pipeline gives`;
}

/** What could not be compared, and why. */
function limitInWords({ kind, comparable }: Replayed): string {
  if (comparable.from === 'all') return '';
  const cut = `retention removed older events of ${comparable.cut.streams.join(', ')}`;
  return `${whichInWords(kind, comparable)}: ${cut}`;
}

function whichInWords(kind: Replayed['kind'], comparable: Exclude<Comparable, { from: 'all' }>): string {
  switch (comparable.from) {
    case 'events':
      return kind === 'stream'
        ? '; rows of events that are gone are not compared'
        : `; keys that did not change since lsn ${counted(comparable.cut.lsn)} are not compared`;
    case 'time':
      return `; windows with anything before ${timeInWords(comparable.time)} are not compared`;
    default:
      return ', as what its operators keep comes from events that are gone';
  }
}

function differenceInWords({ name }: Replayed, difference: Difference): string {
  const text = (value: unknown) => JSON.stringify(plain(value));
  if (difference.kind === 'failure')
    return `${name}: the pipeline threw at lsn ${difference.lsn}, which it had processed: ${inWords(difference.cause)}`;
  const { stored, derived } = difference;
  const place =
    difference.kind === 'row'
      ? `${name}, lsn ${difference.lsn}, index ${difference.index}`
      : `${name}, key ${text(difference.key)}`;
  if (stored == null) return `${place}: the pipeline gives ${text(derived)}, which is not stored`;
  if (derived == null) return `${place}: stored is ${text(stored)}, which the pipeline does not give`;
  return `${place}: stored is ${text(stored)}, the pipeline gives ${text(derived)}`;
}

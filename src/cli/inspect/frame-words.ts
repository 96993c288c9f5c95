import type { Catalog } from '../../streams/catalog.js';
import { streamIdOf, versionOf } from '../../wal/batch.js';
import { fromCanonicalJson } from '../../wal/canonical-json.js';
import { METADATA } from '../../wal/format.js';
import { type Entry, entriesOf, type Frame, isEvents, recordText, viewOf } from '../../wal/frame.js';
import { logDirectory } from '../../wal/log-file.js';
import type { MetadataRecord } from '../../wal/record.js';
import { columnInWords, counted, numberOf, oneLine, timeInWords } from '../words.js';

/** What an entry of a frame holds, for `--json` as it is. */
export type EntryFacts =
  | {
      readonly kind: 'events';
      readonly streamId: number;
      /** `null` where the metadata log that would tell is not at hand. */
      readonly stream: string | null;
      readonly version: number;
      readonly rows: number;
      /** Distinct keys; `null` where the stream is known to have no key columns. */
      readonly keys: number | null;
      readonly bytes: number;
    }
  | { readonly kind: 'record'; readonly record: MetadataRecord }
  | { readonly kind: 'unknown'; readonly number: number; readonly bytes: number };

/** A frame, for `--json` as it is. */
export interface FrameFacts {
  readonly offset: number;
  readonly bytes: number;
  readonly commit: number;
  readonly participants: readonly string[];
  readonly durable: number;
  readonly firstLsn: number;
  /** Of the whole commit; `null` where it has no events. */
  readonly lastLsn: number | null;
  /** In this frame, and in all frames of the commit. */
  readonly events: number;
  readonly commitEvents: number;
  readonly time: string;
  readonly entries: readonly EntryFacts[];
}

export function frameFacts({ header, bytes, offset }: Frame, catalog: Catalog): FrameFacts {
  const { commit, durable, firstLsn, events, commitEvents, time } = header;
  return {
    offset,
    bytes: bytes.length,
    commit,
    participants: participantsIn(header.participants),
    durable,
    firstLsn,
    lastLsn: commitEvents === 0 ? null : firstLsn + commitEvents - 1,
    events,
    commitEvents,
    time: timeInWords(time),
    entries: entriesOf(bytes).map((entry) => entryFacts(entry, catalog)),
  };
}

function entryFacts(entry: Entry, catalog: Catalog): EntryFacts {
  if (!isEvents(entry)) {
    return entry.kind === 2
      ? { kind: 'record', record: recordOf(entry) }
      : { kind: 'unknown', number: entry.kind, bytes: entry.bytes.length };
  }
  const streamId = streamIdOf(entry.bytes);
  const view = viewOf(entry.bytes);
  const stream = catalog.streams.find(({ id }) => id === streamId);
  const hasKeys = stream?.versions[0]?.columns.some(({ role }) => role === 'key') ?? true;
  return {
    kind: 'events',
    streamId,
    stream: stream?.name ?? null,
    version: versionOf(entry.bytes),
    rows: view.getUint32(16, true),
    keys: hasKeys ? view.getUint32(20, true) : null,
    bytes: entry.bytes.length,
  };
}

export function recordOf(entry: Entry): MetadataRecord {
  return fromCanonicalJson(recordText(entry)) as MetadataRecord;
}

function participantsIn(mask: bigint): string[] {
  return Array.from({ length: METADATA + 1 }, (_, participant) => participant)
    .filter((participant) => ((mask >> BigInt(participant)) & 1n) === 1n)
    .map(logDirectory);
}

/** A frame in words: one line for itself, one for each entry. */
export function frameInWords(facts: FrameFacts): string[] {
  const { offset, bytes, commit, participants, durable, firstLsn, lastLsn, events, commitEvents, time } = facts;
  const lsns = lastLsn === null ? 'no events' : `lsn ${counted(firstLsn)} to ${counted(lastLsn)}`;
  const share = events === commitEvents || events === 0 ? '' : ` (${counted(events)} of these events here)`;
  return [
    `  at ${counted(offset)}, ${numberOf(bytes, 'byte')}: commit ${commit}, ${lsns}${share}, ${time}, durable ${durable}, in ${participants.join(' + ')}`,
    ...facts.entries.map((entry) => `      ${oneLine(entryInWords(entry))}`),
  ];
}

function entryInWords(entry: EntryFacts): string {
  if (entry.kind === 'record') return recordInWords(entry.record);
  if (entry.kind === 'unknown') return `an entry of unknown kind ${entry.number}, ${numberOf(entry.bytes, 'byte')}`;
  const { stream, streamId, version, rows, keys, bytes } = entry;
  const name = stream === null ? `stream ${streamId}` : `${stream} (stream ${streamId})`;
  const keyed = keys === null ? '' : ` of ${numberOf(keys, 'key')}`;
  return `${name}, version ${version}: ${numberOf(rows, 'row')}${keyed}, ${numberOf(bytes, 'byte')}`;
}

function recordInWords(record: MetadataRecord): string {
  switch (record.kind) {
    case 'open':
      return `opened at level ${record.level}`;
    case 'ceiling':
      return `lsns below ${counted(record.ceiling)} may be given`;
    case 'mark':
      return 'mark: everything before is durable';
    case 'closed':
      return `closed in order, the next lsn is ${counted(record.nextLsn)}`;
    case 'stream':
      return `stream ${record.name} is number ${record.id}, version ${record.version}: ${record.columns.map(columnInWords).join(', ')}`;
    case 'retention':
      return `events of stream ${record.id} before this are kept from event time ${timeInWords(record.from)} on`;
    default:
      // A record of a later release.
      return `record ${JSON.stringify(record)}`;
  }
}

import { Millrace } from '../../streams/millrace.js';
import type { DurableStream } from '../../streams/stream.js';
import type { WalLevel } from '../../wal/record.js';
import { closeInOrder } from '../closing.js';
import type { Output } from '../output.js';
import { recoveryInWords } from '../recovery-words.js';
import { EXIT, type ExitCode, InputError, Misuse } from '../report.js';
import { onStopSignal } from '../signals.js';
import { columnInWords, counted, millisecondsInWords, numberOf } from '../words.js';
import { Appender, type Event } from './appender.js';
import { type Input, type InputOptions, nameOf, openInput, sizeOf } from './input.js';
import { assertMatches, type ColumnOptions, schemaFor, timeReadingOf } from './plan.js';
import { Progress } from './progress.js';
import { Rejects } from './rejects.js';
import { RowReader } from './row-reader.js';
import { type SourceRow, Unfit } from './source.js';

export interface IngestOptions extends InputOptions, ColumnOptions {
  readonly dir: string;
  readonly level: WalLevel;
  readonly vgroups?: number;
  readonly reject?: string;
}

/**
 * Ingests a file, as its steps: read its first rows; start the mill; find or declare the stream; append row after row,
 * no faster than they become durable; say what became of them. What was taken before an error stays taken.
 */
export async function ingest(options: IngestOptions, output: Output): Promise<ExitCode> {
  const stop = new AbortController();
  const release = onStopSignal((signal) =>
    stop.abort(new Stopped(`Stopped by ${signal} before the end of ${nameOf(options)}.`)),
  );
  const progress = new Progress(await sizeOf(options));
  try {
    const input = await openInput(options, stop.signal, (bytes) => progress.read(bytes));
    const mill = new Millrace(options.dir, { walLevel: options.level, vgroups: options.vgroups });
    try {
      await mill.start();
      const code = await into(mill, input, options, progress, stop.signal, output);
      await closeInOrder(mill, (text) => process.stderr.write(`${text}\n`));
      return code;
    } catch (error) {
      // After a failure of the log, closing it fails too; what is told is the first.
      await mill.close().catch(() => {});
      throw error;
    }
  } catch (error) {
    if (error instanceof Stopped) {
      process.stderr.write(`millrace: ${error.message}\n`);
      return EXIT.interrupted;
    }
    throw error instanceof InputError
      ? new InputError(`${nameOf(options)}: ${error.message}`, { cause: error })
      : error;
  } finally {
    release();
  }
}

class Stopped extends Error {}

async function into(
  mill: Millrace,
  input: Input,
  options: IngestOptions,
  progress: Progress,
  signal: AbortSignal,
  output: Output,
): Promise<ExitCode> {
  if (!mill.recovery!.clean) output.say(recoveryInWords(options.dir, mill.recovery!, mill.metrics().segments));
  const { stream, news } = streamFor(mill, input, options);
  const time = timeReadingOf(input.sampled, stream.columns.find(({ role }) => role === 'time')!.name, options.timeUnit);
  for (const text of news) output.say(text);
  if (time.words !== null) output.say(`${nameOf(options)}: ${time.words}.`);
  const rejects = new Rejects(rejectPathOf(options, input), input.source.format, input.delimiter, input.sampled.names);
  const appender = new Appender(stream, (row, reason) => rejects.add(row, reason));
  const startedAt = performance.now();
  progress.start();
  let failure: unknown = null;
  try {
    await appendAll(input, new RowReader(input.source, stream.columns, time.unit), appender, rejects, progress, signal);
  } catch (error) {
    failure = error;
  }
  await appender.settled().catch((error) => (failure ??= error));
  await rejects.close().catch((error) => (failure ??= error));
  progress.stop();
  if (failure === null || appender.count + rejects.count > 0)
    output.say(summaryOf(stream.name, appender, rejects, performance.now() - startedAt));
  if (failure !== null) throw failure;
  return rejects.count === 0 ? EXIT.done : EXIT.partly;
}

/** A stream that the mill remembers keeps its schema; else the file gives one. */
function streamFor(mill: Millrace, { sampled }: Input, options: IngestOptions) {
  if (mill.streamNames.includes(options.stream)) {
    const stream = mill.stream(options.stream) as DurableStream<Event>;
    assertMatches(sampled, stream.columns, options);
    return { stream, news: [] };
  }
  const { schema, warnings } = schemaFor(sampled, options);
  // What makes the file useless has to be found before the stream is declared for ever.
  timeReadingOf(sampled, options.time!, options.timeUnit);
  const stream = mill.stream(options.stream, { schema }) as DurableStream<Event>;
  const columns = stream.columns.map(columnInWords).join(', ');
  return { stream, news: [`New stream ${stream.name}: ${columns}.`, ...warnings] };
}

async function appendAll(
  input: Input,
  reader: RowReader,
  appender: Appender,
  rejects: Rejects,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  for await (const batch of input.batches()) {
    const events: Event[] = [];
    const rows: SourceRow[] = [];
    for (const row of batch) {
      const event = reader.read(row);
      if (event instanceof Unfit) rejects.add(row, event.reason);
      else {
        events.push(event);
        rows.push(row);
      }
    }
    await appender.add(events, rows);
    await rejects.flush();
    progress.update(appender.count, rejects.count);
    signal.throwIfAborted();
  }
}

function rejectPathOf({ file, stream, reject }: IngestOptions, { source }: Input): string {
  const base = file === '-' ? stream.replace(/[^\w.-]/g, '_') : file;
  const path = reject ?? `${base}.rejected.${source.format}`;
  if (path === file) throw new Misuse('--reject names the file that is read.');
  return path;
}

function summaryOf(stream: string, appender: Appender, rejects: Rejects, duration: number): string {
  const { count, firstLsn, lastLsn } = appender;
  const rate = counted(Math.round((count * 1_000) / Math.max(duration, 1)));
  const lsns = firstLsn === null ? '' : `, lsn ${counted(firstLsn)} to ${counted(lastLsn!)}`;
  const taken = `${stream}: ${numberOf(count, 'row')} taken in ${millisecondsInWords(duration)}, ${rate} rows/s${lsns}`;
  const main = rejects.mainReason;
  if (main === null) return `${taken}; none rejected.`;
  const [reason, often] = main;
  const why = often === rejects.count ? reason : `most often: ${reason}`;
  return `${taken}; ${numberOf(rejects.count, 'row')} rejected (${why}), see ${rejects.path}.`;
}

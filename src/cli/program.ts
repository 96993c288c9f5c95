import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { type IngestOptions, ingest } from './ingest/ingest.js';
import { TIME_UNITS } from './ingest/time.js';
import { inspect } from './inspect/inspect.js';
import { type MonitorOptions, monitor } from './monitor/monitor.js';
import { dirOption, duration, gathered, levelOption, vgroupsOption, wholeNumber } from './options.js';
import { Output } from './output.js';
import { EXIT, type ExitCode, Misuse, report } from './report.js';
import { type TailOptions, tail } from './tail/tail.js';
import { verify } from './verify/verify.js';
import { oneLine } from './words.js';

const DAY_MS = 24 * 60 * 60 * 1_000;

const EXIT_CODES = `
Exit codes: 0 done; 1 failed; 2 the arguments make no sense; 3 done, but rows were rejected or bytes could not be
read; 130 stopped by a signal before the end.
MILLRACE_DEBUG=1 shows where an error comes from.`;

type Ended = (code: ExitCode) => void;

/** Runs a command line. Gives the exit code; everything that is to be said was said. */
export async function run(argv: readonly string[], version: string): Promise<ExitCode> {
  const output = new Output();
  // Whoever does not read the errors does not want them.
  process.stderr.on('error', () => {});
  let code: ExitCode = EXIT.done;
  const program = programOf(version, output, (ended) => (code = ended));
  try {
    await program.parseAsync(argv);
    return code;
  } catch (error) {
    // Help and version end with 0; what commander refuses it has told already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.misuse;
    return report(error);
  }
}

function programOf(version: string, output: Output, ended: Ended): Command {
  const program = new Command('millrace')
    .description('Durable, event-sourced stream processing. Without a command: monitor.')
    .version(version)
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => write(`millrace: ${oneLine(text.replace(/^error: /, '').trim())}\n`),
    })
    .addHelpText('after', EXIT_CODES);
  addMonitor(program, output, ended);
  addIngest(program, output, ended);
  addTail(program, output, ended);
  addInspect(program, output, ended);
  addVerify(program, output, ended);
  return program;
}

function addMonitor(program: Command, output: Output, ended: Ended): void {
  program
    .command('monitor', { isDefault: true })
    .description('sample this machine into durable streams, and show them (the main job)')
    .addOption(dirOption())
    .addOption(
      new Option('--every <duration>', 'between two samples').argParser(duration(10, DAY_MS)).default(100, '100ms'),
    )
    .addOption(levelOption(['sync', 'flush', 'off']))
    .addOption(vgroupsOption())
    .addOption(new Option('--duration <duration>', 'end after this time').argParser(duration(1, 2 ** 31 - 1)))
    .allowExcessArguments()
    .addHelpText('after', MONITOR_HELP)
    .action(async (options: MonitorOptions, command: Command) => {
      // The default command is also called with what is no command at all.
      const [unknown] = command.args;
      if (unknown !== undefined)
        throw new Misuse(
          `There is no command "${unknown}". The commands are monitor, ingest, tail, inspect and verify; see millrace --help.`,
        );
      ended(await monitor(options, output));
    });
}

const MONITOR_HELP = `
Streams: cpu, load, memory, event_loop, and where the system has such counters disk and network. On a terminal a live
view, made of committed events only; in a pipe a line a second. Ctrl-C closes the mill in order, a second one ends at
once. After a kill the next start says what it recovered.`;

function addIngest(program: Command, output: Output, ended: Ended): void {
  program
    .command('ingest')
    .description('append the rows of a CSV or NDJSON file to a stream')
    .argument('<file>', 'a path, or - for stdin')
    .requiredOption('--stream <name>', 'the stream; made where there is none')
    .option('--time <column>', 'the event time of a new stream')
    .option('--key <column>', 'a key column of a new stream; may be given more than once', gathered)
    .option('--types <name=type,…>', 'types of columns, instead of those that the first rows look like', gathered)
    .addOption(dirOption())
    .addOption(
      new Option('--format <format>', 'default: by the name of the file, or its first byte').choices(['csv', 'ndjson']),
    )
    .addOption(
      new Option('--delimiter <character>', 'between cells (default: "," and in *.tsv a tab)').argParser(delimiter),
    )
    .addOption(
      new Option('--time-unit <unit>', 'of times that are numbers (default: by their size)').choices(TIME_UNITS),
    )
    .addOption(levelOption(['sync', 'flush']))
    .addOption(vgroupsOption())
    .option('--reject <file>', 'where rejected rows go (default: <file>.rejected.csv or .ndjson)')
    .addHelpText('after', INGEST_HELP)
    .action(async (file: string, options: Omit<IngestOptions, 'file' | 'key' | 'types'>) =>
      ended(await ingest({ key: [], types: [], ...options, file }, output)),
    );
}

const INGEST_HELP = `
A stream that is there already keeps its schema, and the columns of the file must fit it. For a new one the first 1,000
rows tell the types: int32, int64, float64, bool, string (in NDJSON also json), optional where a value is missing; where
all but a tenth of the values of a column are numbers, the others do not fit. Types can be given instead: timestamp,
string, bool, int32, int64, float32, float64, json, bytes (base64), with ? behind them for optional.
Times are numbers (seconds until the year 5138, else milliseconds, microseconds, nanoseconds, judged by the largest of
the first rows), or ISO 8601 dates such as 2024-05-01T12:00:00+02:00, 2024-05-01 12:00:00 or 2024-05-01, which are UTC
where they name no zone. The file is UTF-8; a CSV file has a header. An empty cell is a missing value; in a text column
that is not optional, the empty text. A quote inside a cell without quotes is text.
Rows that do not fit are counted, and written to the reject file with line and reason; then the exit code is 3. The
reject file of an earlier run is replaced. A row longer than 16 MiB or a quote that is never closed ends the ingest.
What was taken before an error or Ctrl-C stays; an ingest that is repeated appends the rows again.`;

function addTail(program: Command, output: Output, ended: Ended): void {
  program
    .command('tail')
    .description('show events of a stream, also while another process has the mill open')
    .argument('<stream>')
    .addOption(dirOption())
    .addOption(new Option('--from <position>', 'begin with: earliest, latest or an lsn').argParser(position))
    .addOption(
      new Option('--lines <n>', 'how many: the last ones (default: 10), or with --from the first ones').argParser(
        wholeNumber(0, Number.MAX_SAFE_INTEGER),
      ),
    )
    .option('--follow', 'go on with events as they become durable', false)
    .option('--json', 'NDJSON: the default where the output is no terminal')
    .option('--no-json', 'lines for people: the default on a terminal')
    .addHelpText('after', TAIL_HELP)
    .action(async (stream: string, options: Omit<TailOptions, 'stream'>) =>
      ended(await tail({ ...options, stream, json: options.json ?? !output.isTerminal }, output)),
    );
}

const TAIL_HELP = `
Reads only, without the mill's lock. Only events that are known to be durable are shown, as a crash may take the others:
that is one commit later than they are written, at level flush up to five seconds, at level off with the next checkpoint.
Rows of a derived stream are shown once a checkpoint has put them into segments.
In NDJSON times are ISO 8601, 64-bit numbers and NaN are text, bytes are base64.`;

function addInspect(program: Command, output: Output, ended: Ended): void {
  program
    .command('inspect')
    .description('say in words what is in a mill, a log file, a segment or a file of state, also in a damaged one')
    .argument('<path>', 'the directory of a mill, a log file, a segment, or a file of state')
    .addOption(
      new Option('--limit <n>', 'frames to show of each file').argParser(wholeNumber(0, Number.MAX_SAFE_INTEGER)),
    )
    .option('--json', 'NDJSON', false)
    .addHelpText(
      'after',
      "\nReads only, without the mill's lock. The exit code is 3 where something cannot be read. What is in segments\nis checked by millrace verify.",
    )
    .action(async (path: string, options: { limit?: number; json: boolean }) =>
      ended(await inspect({ ...options, path }, output)),
    );
}

function addVerify(program: Command, output: Output, ended: Ended): void {
  program
    .command('verify')
    .description('read all of a mill, and check every checksum, every sum, and that everything fits together')
    .argument('<dir>', 'the directory of a mill that is closed')
    .option(
      '--replay <module>',
      'a JavaScript module with the declarations of the program: derive all again, and compare',
    )
    .option('--json', 'the report as one JSON object', false)
    .addHelpText('after', VERIFY_HELP)
    .action(async (path: string, options: { replay?: string; json: boolean }) =>
      ended(await verify({ ...options, path }, output)),
    );
}

const VERIFY_HELP = `
Changes nothing. It holds the mill's lock meanwhile: a mill that is open cannot be verified. The exit code is 1 where
something is damaged; the report names the file, the byte, and what to do. What a crash leaves is no damage.
With --replay every derived stream and table is derived again from the beginning of history, and compared with what is
stored; the first row that differs is named, and the exit code is 1. The module exports the declarations as its default,
or as \`declare\`: (mill) => { … }, the same as those of the program; keep them in one module that both import. What is
in the log only is derived at the next start, and is not compared.`;

function position(text: string): 'earliest' | 'latest' | number {
  if (text === 'earliest' || text === 'latest') return text;
  if (/^\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  throw new InvalidArgumentError('It must be earliest, latest or an lsn.');
}

function delimiter(text: string): string {
  const character = text === 'tab' || text === '\\t' ? '\t' : text;
  if (character.length === 1 && /[^"\r\n\w\x80-\uffff]/.test(character)) return character;
  throw new InvalidArgumentError('It must be one ASCII character such as , or ; or the word tab.');
}

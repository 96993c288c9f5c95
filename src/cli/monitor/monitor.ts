import { Millrace } from '../../streams/millrace.js';
import type { WalLevel } from '../../wal/record.js';
import { closeInOrder } from '../closing.js';
import type { Output } from '../output.js';
import { closedInWords } from '../recovery-words.js';
import { EXIT, type ExitCode } from '../report.js';
import { onStopSignal } from '../signals.js';
import { observer } from './observer.js';
import { PlainLines } from './plain.js';
import { Recorder } from './recorder.js';
import { Sampler } from './sampler.js';
import { Screen } from './screen.js';
import { type DerivedStatistics, declareStatistics } from './statistics.js';
import { declareStreams, type SampleStream } from './streams.js';
import { type Shown, viewOf } from './view.js';

export interface MonitorOptions {
  readonly dir: string;
  /** Milliseconds. */
  readonly every: number;
  readonly level: WalLevel;
  readonly vgroups?: number;
  /** Milliseconds. */
  readonly duration?: number;
}

const DRAW_MS = 250;
const PLAIN_LINE_MS = 1_000;

/**
 * The main job: samples this machine into durable streams and shows what is in them, until a signal, the end of the
 * duration, or the end of whoever reads the output. Then it closes the mill in order.
 */
export async function monitor(options: MonitorOptions, output: Output): Promise<ExitCode> {
  const mill = new Millrace(options.dir, { walLevel: options.level, vgroups: options.vgroups });
  const streams = declareStreams(mill);
  const statistics = declareStatistics(mill, streams);
  const screen = output.isTerminal && process.env.TERM !== 'dumb' ? new Screen(process.stdout) : null;
  const ending = new Ending();
  const release = onStopSignal(ending.stop);
  output.onGone(ending.stop);
  try {
    await mill.start();
    await run(mill, streams, statistics, options, screen, output, ending);
    await closeInOrder(mill, (text) => output.say(text), ' A second Ctrl-C ends at once.');
    output.say(closedInWords(options.dir, mill.metrics()));
  } catch (error) {
    screen?.close();
    // After a failure the log is closed as it is; what is told is the failure itself.
    await mill.close().catch(() => {});
    throw error;
  } finally {
    release();
  }
  return EXIT.done;
}

/** The end of the job, which a signal, a timer or a failure may bring. */
class Ending {
  stop: () => void = () => {};
  fail: (error: unknown) => void = () => {};
  readonly reached = new Promise<void>((resolve, reject) => {
    this.stop = resolve;
    this.fail = reject;
  });

  constructor() {
    // A failure that comes before someone waits for the end is not unhandled.
    this.reached.catch(() => {});
  }
}

async function run(
  mill: Millrace,
  streams: readonly SampleStream[],
  statistics: DerivedStatistics,
  options: MonitorOptions,
  screen: Screen | null,
  output: Output,
  ending: Ending,
): Promise<void> {
  const sampler = new Sampler();
  const recorder = new Recorder(sampler, options.every);
  recorder.record(streams, ending.fail);
  const look = observer(mill, options, recorder, statistics);
  const show = screen ? () => screen.draw(viewOf(look(), screen.columns, screen.rows)) : plainly(look, output);
  if (screen !== null) show();
  const timer = setInterval(show, screen ? DRAW_MS : PLAIN_LINE_MS);
  const end = options.duration === undefined ? undefined : setTimeout(ending.stop, options.duration);
  try {
    await ending.reached;
  } finally {
    clearInterval(timer);
    clearTimeout(end);
    recorder.stop();
    sampler.stop();
    screen?.close();
  }
}

/** Says what was found at the start. Gives what says how things are now. */
function plainly(look: () => Shown, output: Output): () => void {
  const shown = look();
  for (const note of shown.notes) output.say(note);
  const lines = new PlainLines(shown);
  return () => {
    for (const line of lines.next(look(), Date.now())) output.say(line);
  };
}

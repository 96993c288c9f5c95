import { Millrace } from '../../streams/millrace.js';
import type { WalLevel } from '../../wal/record.js';
import { closeInOrder } from '../closing.js';
import type { Output } from '../output.js';
import { closedInWords, levelInWords, recoveryInWords } from '../recovery-words.js';
import { EXIT, type ExitCode } from '../report.js';
import { onStopSignal } from '../signals.js';
import { numberOf } from '../words.js';
import { Activity } from './activity.js';
import { CheckpointWatch } from './checkpoint-watch.js';
import { Recorder } from './recorder.js';
import { Sampler } from './sampler.js';
import { Screen } from './screen.js';
import { Statistics } from './statistics.js';
import { declareStreams, type SampleStream, type StreamName } from './streams.js';
import { plainLineOf, type Shown, viewOf } from './view.js';

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
  const screen = output.isTerminal && process.env.TERM !== 'dumb' ? new Screen(process.stdout) : null;
  const ending = new Ending();
  const release = onStopSignal(ending.stop);
  output.onGone(ending.stop);
  try {
    await mill.start();
    await run(mill, streams, options, screen, output, ending);
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
  options: MonitorOptions,
  screen: Screen | null,
  output: Output,
  ending: Ending,
): Promise<void> {
  const statistics = new Statistics();
  for (const stream of streams) stream.subscribe((row) => statistics.add(stream.name as StreamName, row));
  const sampler = new Sampler();
  const recorder = new Recorder(sampler, options.every);
  recorder.record(streams, ending.fail);
  const look = observer(mill, options, recorder, statistics);
  if (screen === null) for (const note of look().notes) output.say(note);
  const show = screen
    ? () => screen.draw(viewOf(look(), screen.columns, screen.rows))
    : () => output.say(plainLineOf(look(), Date.now()));
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

/** Gives what is to be shown now. */
function observer(mill: Millrace, options: MonitorOptions, recorder: Recorder, statistics: Statistics): () => Shown {
  const startedAt = performance.now();
  const activity = new Activity();
  const checkpoints = new CheckpointWatch();
  checkpoints.watch(mill);
  const { segments } = mill.metrics();
  const notes = [recoveryInWords(options.dir, mill.recovery!, segments), levelInWords(options.level)];
  return () => {
    const metrics = mill.metrics();
    const running = performance.now() - startedAt;
    activity.note(running, metrics);
    return {
      directory: options.dir,
      level: options.level,
      running,
      notes: notes.filter((note) => note !== null),
      trouble: troubleIn(recorder, checkpoints),
      checkpoint: checkpoints.inWords(Date.now()),
      metrics,
      activity,
      summaries: statistics.summaries(Date.now()),
    };
  };
}

function troubleIn({ trouble, dropped }: Recorder, checkpoints: CheckpointWatch): string | null {
  const lost = dropped === 0 ? null : `${numberOf(dropped, 'event')} dropped, as the log was full`;
  const parts = [trouble, lost, checkpoints.trouble].filter((part) => part !== null);
  return parts.length === 0 ? null : parts.join('; ');
}

import type { CheckpointEvent, MillraceOptions } from '../../src/index.js';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { SimulatedCompute } from '../../src/testing/simulated-compute.js';
import { EPOCH, LogMill, READINGS } from './log-mill.js';

/** The n-th event; its value says which one it is. */
export const event = (value: number) => ({ ts: EPOCH + value, device: `d${value % 3}`, value });
export const events = (count: number, first = 0) => Array.from({ length: count }, (_, at) => event(first + at));
/** The paths that match. */
export const filesOf = (storage: SimulatedStorage, pattern: RegExp) =>
  storage.paths().filter((path) => pattern.test(path));

/** A started mill whose time stands still, and all that it tells of its checkpoints. */
export async function opened(options: MillraceOptions = {}, storage = new SimulatedStorage()) {
  const log = new LogMill(storage, options);
  const told: CheckpointEvent[] = [];
  const words: string[] = [];
  log.mill.status$.subscribe((status) => {
    if (!('checkpoint' in status) || status.checkpoint === undefined || told.includes(status.checkpoint)) return;
    told.push(status.checkpoint);
    const { kind, report } = status.checkpoint;
    words.push(
      kind === 'step' ? `${report.number} ${report.steps.at(-1)!.name}` : `${report.number} ${report.cause} ${kind}`,
    );
  });
  const readings = log.mill.stream('readings', { schema: READINGS });
  await log.until(log.mill.start());
  await log.idle(0);
  return { log, mill: log.mill, readings, storage, told, words };
}

/** Jobs that take a second, so that much happens while a checkpoint runs. */
function slowly() {
  const clocks: { clock?: LogMill['clock'] } = {};
  const scheduler = {
    now: () => clocks.clock!.now(),
    schedule: (work: never, delay?: number, state?: never) => clocks.clock!.schedule(work, delay, state),
  };
  return { clocks, compute: new SimulatedCompute({ scheduler, latency: 1_000 }) };
}

export async function openedSlowly(options: MillraceOptions = {}) {
  const { clocks, compute } = slowly();
  const storage = new SimulatedStorage();
  const log = new LogMill(storage, { ...options, compute });
  clocks.clock = log.clock;
  const readings = log.mill.stream('readings', { schema: READINGS });
  await log.until(log.mill.start());
  await log.idle(0);
  return { log, mill: log.mill, readings, storage };
}

import os from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { readShortText } from '../../storage/text-files.js';
import { parseDiskCounters, parseNetworkCounters, Rates } from './counters.js';
import type { Sample } from './streams.js';

/** The event loop is asked this often how late it is. */
const LOOP_RESOLUTION_MS = 10;

interface CoreTimes {
  readonly busy: number;
  readonly all: number;
}

/** Looks at this machine. What is counted since the last look is missing in the first one. */
export class Sampler {
  private cores: readonly CoreTimes[] = coreTimes();
  private readonly disk = new Rates();
  private readonly network = new Rates();
  private readonly loop = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });

  constructor() {
    this.loop.enable();
  }

  sample(): Sample {
    const ts = Date.now();
    return {
      cpu: this.cpu(ts),
      load: [load(ts)],
      memory: [memory(ts)],
      event_loop: this.eventLoop(ts),
      disk: this.devices('/proc/diskstats', parseDiskCounters, this.disk).map(({ device, into, out }) => ({
        ts,
        device,
        read: rounded(into, 0),
        written: rounded(out, 0),
      })),
      network: this.devices('/proc/net/dev', parseNetworkCounters, this.network).map(({ device, into, out }) => ({
        ts,
        device,
        received: rounded(into, 0),
        sent: rounded(out, 0),
      })),
    };
  }

  stop(): void {
    this.loop.disable();
  }

  private cpu(ts: number): Sample['cpu'] {
    const before = this.cores;
    const now = coreTimes();
    // The system counts in ticks of about 10 ms: a core whose counters stood still is left as it was, for the next look.
    this.cores = now.map((core, at) => (core.all > (before[at]?.all ?? 0) ? core : before[at]!));
    const moved = now.flatMap((core, at) => {
      const last = before[at];
      if (last === undefined || core.all <= last.all) return [];
      return [{ core: String(at), busy: core.busy - last.busy, all: core.all - last.all }];
    });
    if (moved.length === 0) return [];
    const sum = (of: 'busy' | 'all') => moved.reduce((total, core) => total + core[of], 0);
    return [{ core: 'all', busy: sum('busy'), all: sum('all') }, ...moved].map(({ core, busy, all }) => ({
      ts,
      core,
      used: rounded(Math.min(100, Math.max(0, (100 * busy) / all)), 2),
    }));
  }

  private eventLoop(ts: number): Sample['event_loop'] {
    const { loop } = this;
    if (loop.count === 0) return [];
    // The histogram has the time between two of its timers: how late they were is what exceeds their period.
    const late = (nanoseconds: number) => rounded(Math.max(0, nanoseconds / 1e6 - LOOP_RESOLUTION_MS), 3);
    const event = { ts, mean: late(loop.mean), max: late(loop.max) };
    loop.reset();
    return [event];
  }

  private devices(path: string, parse: (text: string) => ReturnType<typeof parseDiskCounters>, rates: Rates) {
    const text = readShortText(path);
    return text === null ? [] : rates.of(parse(text), performance.now());
  }
}

/** Digits beyond what was measured say nothing, and are long to read. */
function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

function coreTimes(): CoreTimes[] {
  return os.cpus().map(({ times: { user, nice, sys, irq, idle } }) => {
    const busy = user + nice + sys + irq;
    return { busy, all: busy + idle };
  });
}

function load(ts: number) {
  const [one = 0, five = 0, fifteen = 0] = os.loadavg();
  return { ts, one, five, fifteen };
}

function memory(ts: number) {
  const free = os.freemem();
  const { rss, heapUsed } = process.memoryUsage();
  return { ts, used: os.totalmem() - free, free, rss, heap: heapUsed };
}

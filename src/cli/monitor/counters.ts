/** Two counters of a device, in bytes since the machine started: what came in and what went out. */
export interface DeviceCounters {
  readonly device: string;
  readonly into: number;
  readonly out: number;
}

const SECTOR_BYTES = 512;
/** Devices that only stand for memory or for other files. */
const NO_DISK = /^(loop|ram|zram|sr|fd)\d+$/;

/**
 * `/proc/diskstats`: whole devices that were ever used. `into` is what was read. Partitions are left out, as what goes
 * through them is in the counters of their device.
 */
export function parseDiskCounters(text: string): DeviceCounters[] {
  const rows = text.split('\n').map((line) => line.trim().split(/\s+/));
  const names = rows.map((row) => row[2] ?? '');
  return rows.flatMap((row, at) => {
    const device = names[at]!;
    const into = Number(row[5]) * SECTOR_BYTES;
    const out = Number(row[9]) * SECTOR_BYTES;
    const isPart = names.some((other) => other !== '' && other !== device && isPartition(device, other));
    return device === '' || NO_DISK.test(device) || isPart || !(into + out > 0) ? [] : [{ device, into, out }];
  });
}

/** `vda1` of `vda`, `nvme0n1p1` of `nvme0n1`. */
function isPartition(device: string, of: string): boolean {
  return device.startsWith(of) && /^p?\d+$/.test(device.slice(of.length));
}

/** `/proc/net/dev`: devices that were ever used, but for the loopback. `into` is what was received. */
export function parseNetworkCounters(text: string): DeviceCounters[] {
  return text.split('\n').flatMap((line) => {
    const [device, counters] = line.split(':');
    if (counters === undefined) return [];
    const values = counters.trim().split(/\s+/).map(Number);
    const [into, out] = [values[0]!, values[8]!];
    const name = device!.trim();
    return name === 'lo' || !(into + out > 0) ? [] : [{ device: name, into, out }];
  });
}

/** Turns counters that rise into bytes per second since the time before. */
export class Rates {
  private before = new Map<string, DeviceCounters>();
  private readAt = 0;

  /** Gives nothing for a device that is seen for the first time, or whose counters began anew. */
  of(counters: readonly DeviceCounters[], now: number): DeviceCounters[] {
    const seconds = (now - this.readAt) / 1_000;
    const rates = counters.flatMap(({ device, into, out }) => {
      const last = this.before.get(device);
      if (last === undefined || seconds <= 0 || into < last.into || out < last.out) return [];
      return [{ device, into: (into - last.into) / seconds, out: (out - last.out) / seconds }];
    });
    this.before = new Map(counters.map((counter) => [counter.device, counter]));
    this.readAt = now;
    return rates;
  }
}

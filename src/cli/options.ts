import { InvalidArgumentError, Option } from 'commander';
import parseDuration from 'parse-duration';
import { VGROUPS_MAX } from '../wal/format.js';
import type { WalLevel } from '../wal/record.js';

/** Options that several commands have, and how their values are read. A value that makes no sense is misuse. */

export const dirOption = (): Option => new Option('--dir <path>', 'directory of the mill').default('./data');

export const levelOption = (levels: readonly WalLevel[]): Option =>
  new Option('--level <level>', 'when an event counts as written: see docs/guarantees.md')
    .choices(levels)
    .default('sync');

export const vgroupsOption = (): Option =>
  new Option(
    '--vgroups <n>',
    `partitions of a new mill, each with its own log, 1 to ${VGROUPS_MAX} (default: 1; fixed when the mill is made)`,
  ).argParser(wholeNumber(1, VGROUPS_MAX));

/** Milliseconds of `100ms`, `10s`, `1h30m`. */
export function duration(min: number, max: number): (text: string) => number {
  return (text) => {
    const milliseconds = parseDuration(text);
    if (milliseconds === null || !Number.isFinite(milliseconds) || milliseconds < min || milliseconds > max)
      throw new InvalidArgumentError(`It must be a duration such as 100ms, 10s or 1h30m, from ${min} to ${max} ms.`);
    return milliseconds;
  };
}

export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max))
      throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
    return value;
  };
}

/** For options that may be given more than once. */
export const gathered = (value: string, before: readonly string[] = []): string[] => [...before, value];

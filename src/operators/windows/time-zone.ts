import { MillraceError } from '../../errors.js';

const DAY = 86_400_000;
/** What the calendar knows; local times may be a little beyond it. */
const TIME_MAX = 8.64e15;
const OFFSET = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?/;

/** Local time as milliseconds: those that UTC would have with the same numbers on the clock. */
export class TimeZone {
  private readonly format: Intl.DateTimeFormat;

  /** @throws MillraceError `INVALID_OPTION` for a name that `Intl` does not know. */
  constructor(name: string) {
    try {
      this.format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
    } catch (cause) {
      const message = `Option timeZone must be one that Intl knows, such as 'Europe/Berlin', not ${JSON.stringify(name)}.`;
      throw new MillraceError('INVALID_OPTION', message, { cause });
    }
  }

  localOf(time: number): number {
    return time + this.offsetAt(time);
  }

  /**
   * The time at which the clocks show `local`: the first, where they do twice; where they never do, as late after the change as it
   * would have been without it.
   */
  instantOf(local: number): number {
    const [before, after] = [this.offsetAt(local - DAY), this.offsetAt(local + DAY)];
    const times = [local - before, local - after].sort((a, b) => a - b);
    return times.find((time) => this.localOf(time) === local) ?? local - before;
  }

  private offsetAt(time: number): number {
    const date = Math.min(Math.max(time, -TIME_MAX), TIME_MAX);
    const name = this.format.formatToParts(date).find(({ type }) => type === 'timeZoneName')!.value;
    const [, sign, hours = 0, minutes = 0, seconds = 0] = OFFSET.exec(name)!;
    return (sign === '-' ? -1000 : 1000) * (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds));
  }
}

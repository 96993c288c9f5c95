interface Entry<T> {
  readonly time: number;
  readonly order: number;
  readonly item: T;
}

/** Gives items back in the order of their times; those of one time in the order of their numbers. A binary heap. */
export class TimeHeap<T> {
  private readonly entries: Entry<T>[] = [];

  get size(): number {
    return this.entries.length;
  }

  /** The earliest time; `Infinity` where there is none. */
  get time(): number {
    return this.entries.length === 0 ? Infinity : this.entries[0]!.time;
  }

  push(time: number, order: number, item: T): void {
    const { entries } = this;
    const entry = { time, order, item };
    let at = entries.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (!isBefore(entry, entries[parent]!)) break;
      entries[at] = entries[parent]!;
      at = parent;
    }
    entries[at] = entry;
  }

  /** Takes the earliest; there must be one. */
  pop(): Entry<T> {
    const { entries } = this;
    const first = entries[0]!;
    const last = entries.pop()!;
    if (entries.length > 0) this.sink(last);
    return first;
  }

  private sink(entry: Entry<T>): void {
    const { entries } = this;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= entries.length) break;
      if (child + 1 < entries.length && isBefore(entries[child + 1]!, entries[child]!)) child++;
      if (!isBefore(entries[child]!, entry)) break;
      entries[at] = entries[child]!;
      at = child;
    }
    entries[at] = entry;
  }
}

function isBefore<T>(a: Entry<T>, b: Entry<T>): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order);
}

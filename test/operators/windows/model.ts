/** What `windowed` should give, computed from lists of events in the plainest way. */

export interface ModelEvent {
  readonly ts: number;
  readonly key: string;
  readonly v: number | null | undefined;
  readonly s: string | null;
  readonly arrival: number;
}

export type ModelWindow =
  | { readonly type: 'hopping'; readonly size: number; readonly every: number; readonly offset: number }
  | { readonly type: 'session'; readonly gap: number }
  | { readonly type: 'state' }
  | { readonly type: 'event' }
  | { readonly type: 'count'; readonly size: number; readonly every: number };

export interface ModelOptions {
  readonly lateness: number;
  readonly correct: number;
  readonly updates: boolean;
}

export interface Outcome {
  readonly rows: Record<string, unknown>[];
  readonly late: ModelEvent[];
}

export const stateOf = ({ s }: ModelEvent): string | null => s;
export const isStart = ({ v }: ModelEvent): boolean => (v ?? 0) > 2;
export const isEnd = ({ v }: ModelEvent): boolean => (v ?? 0) < -2;

/** One window of the model. */
interface Open {
  readonly key: string;
  readonly events: ModelEvent[];
  start: number;
  end: number;
  revision: number;
  sequence: number;
}

export function modelOf(window: ModelWindow, events: readonly ModelEvent[], options: ModelOptions): Outcome {
  if (window.type === 'hopping') return hopping(window, events, options);
  if (window.type === 'session') return sessions(window.gap, events, options);
  return runs(window, events, options);
}

function hopping(
  { size, every, offset }: ModelWindow & { type: 'hopping' },
  events: readonly ModelEvent[],
  { lateness, correct, updates }: ModelOptions,
): Outcome {
  const outcome: Outcome = { rows: [], late: [] };
  const windows: Open[] = [];
  const row = (window: Open, final: boolean): void => void outcome.rows.push(rowOf(window, final));
  let before = -Infinity;
  for (const event of events) {
    const watermark = Math.max(before, event.ts - lateness);
    for (const window of ordered(windows.filter(({ end }) => end > before && end <= watermark)))
      row(ended(window), true);
    before = watermark;
    let isTaken = false;
    for (let hop = Math.floor((event.ts - size - offset) / every); hop * every + offset <= event.ts; hop++) {
      const start = hop * every + offset;
      const end = start + size;
      if (event.ts >= end || end + correct <= watermark) continue;
      isTaken = true;
      let window = windows.find((other) => other.key === event.key && other.start === start);
      if (window === undefined) {
        window = { key: event.key, events: [], start, end, revision: -1, sequence: windows.length };
        windows.push(window);
      }
      window.events.push(event);
      if (end <= watermark) row(ended(window), true);
      else if (updates) row(window, false);
    }
    if (!isTaken) outcome.late.push(event);
  }
  for (const window of ordered(windows.filter(({ end }) => end > before))) row(ended(window), true);
  return outcome;
}

function sessions(gap: number, events: readonly ModelEvent[], { lateness, correct, updates }: ModelOptions): Outcome {
  const outcome: Outcome = { rows: [], late: [] };
  const row = (window: Open, final: boolean): void => void outcome.rows.push(rowOf(window, final));
  let open: Open[] = [];
  let before = -Infinity;
  let sequence = 0;
  for (const event of events) {
    const watermark = Math.max(before, event.ts - lateness);
    for (const window of ordered(open.filter(({ end }) => end > before && end <= watermark))) row(ended(window), true);
    open = open.filter(({ end }) => end + correct > watermark);
    before = watermark;
    const touched = open
      .filter(({ key, start, end }) => key === event.key && event.ts < end && event.ts + gap > start)
      .sort((a, b) => a.start - b.start);
    if (touched.length === 0 && event.ts + gap + correct <= watermark) {
      outcome.late.push(event);
      continue;
    }
    const all = [...touched.flatMap((window) => window.events), event].sort((a, b) => a.arrival - b.arrival);
    const times = all.map(({ ts }) => ts);
    const [start, end] = [Math.min(...times), Math.max(...times) + gap];
    for (const window of touched)
      if (window.end <= watermark && (window.start !== start || window.end !== end))
        outcome.rows.push(rowOf(ended(window), true, []));
    const merged: Open = {
      key: event.key,
      events: all,
      start,
      end,
      revision: Math.max(-1, ...touched.map(({ revision }) => revision)),
      sequence: Math.min(...touched.map((window) => window.sequence), touched.length === 0 ? sequence++ : Infinity),
    };
    open = [...open.filter((window) => !touched.includes(window)), merged];
    if (end <= watermark) row(ended(merged), true);
    else if (updates) row(merged, false);
  }
  for (const window of ordered(open.filter(({ end }) => end > before))) row(ended(window), true);
  return outcome;
}

function runs(
  kind: Exclude<ModelWindow, { type: 'hopping' | 'session' }>,
  events: readonly ModelEvent[],
  { lateness, updates }: ModelOptions,
): Outcome {
  const outcome: Outcome = { rows: [], late: [] };
  const taken: ModelEvent[] = [];
  let watermark = -Infinity;
  for (const event of events) {
    watermark = Math.max(watermark, event.ts - lateness);
    (event.ts < watermark ? outcome.late : taken).push(event);
  }
  taken.sort((a, b) => a.ts - b.ts || a.arrival - b.arrival);
  const open: Open[] = [];
  const seen = new Map<string, number>();
  let sequence = 0;
  const begin = ({ key, ts }: ModelEvent): void =>
    void open.push({ key, events: [], start: ts, end: ts, revision: -1, sequence: sequence++ });
  const end = (window: Open, at: number): void => {
    open.splice(open.indexOf(window), 1);
    outcome.rows.push(rowOf(ended({ ...window, end: at }), true));
  };
  const take = (window: Open, event: ModelEvent, isLast: boolean): void => {
    window.events.push(event);
    window.end = event.ts;
    if (isLast) end(window, event.ts);
    else if (updates) outcome.rows.push(rowOf(window, false));
  };
  for (const event of taken) {
    const mine = (): Open[] => open.filter(({ key }) => key === event.key);
    if (kind.type === 'count') {
      const number = seen.get(event.key) ?? 0;
      seen.set(event.key, number + 1);
      if (number % kind.every === 0) begin(event);
      for (const window of mine()) take(window, event, window.events.length + 1 === kind.size);
    } else if (kind.type === 'state') {
      if (event.s === null) continue;
      for (const window of mine()) if (window.events[0]!.s !== event.s) end(window, event.ts);
      if (mine().length === 0) begin(event);
      take(mine()[0]!, event, false);
    } else {
      if (mine().length === 0 && isStart(event)) begin(event);
      for (const window of mine()) take(window, event, isEnd(event));
    }
  }
  for (const window of ordered(open)) outcome.rows.push(rowOf(ended(window), true));
  return outcome;
}

function ended(window: Open): Open {
  window.revision++;
  return window;
}

function ordered(windows: readonly Open[]): Open[] {
  return [...windows].sort((a, b) => a.end - b.end || a.start - b.start || a.sequence - b.sequence);
}

function rowOf({ key, start, end, revision, events }: Open, final: boolean, inIt = events): Record<string, unknown> {
  const times = events.map(({ ts }) => ts);
  return {
    key,
    start,
    end,
    firstTime: Math.min(...times),
    lastTime: Math.max(...times),
    count: inIt.length,
    ...aggregatesOf(inIt),
    revision: final ? revision : revision + 1,
    final,
  };
}

function aggregatesOf(events: readonly ModelEvent[]): Record<string, unknown> {
  const byTime = [...events].sort((a, b) => a.ts - b.ts || a.arrival - b.arrival);
  const points = byTime.filter(({ v }) => v !== null && v !== undefined).map(({ ts, v }) => ({ ts, v: v! }));
  const values = points.map(({ v }) => v);
  const texts = byTime.map(({ s }) => s).filter((s) => s !== null);
  const total = values.reduce((sum, v) => sum + v, 0);
  const none = values.length === 0;
  const mean = total / values.length;
  const squares = values.reduce((sum, v) => sum + (v - mean) ** 2, 0);
  const sorted = [...values].sort((a, b) => a - b);
  const pairs = points.slice(1).map((point, at) => ({ before: points[at]!, point }));
  const duration = none ? 0 : points.at(-1)!.ts - points[0]!.ts;
  const area = pairs.reduce((sum, { before, point }) => sum + before.v * (point.ts - before.ts), 0);
  const rise = pairs.reduce((sum, { before: { v }, point }) => sum + (point.v < v ? point.v : point.v - v), 0);
  return {
    n: events.length,
    values: values.length,
    total: none ? null : total,
    mean: none ? null : mean,
    low: none ? null : sorted[0],
    high: none ? null : sorted.at(-1),
    lowText: [...texts].sort()[0] ?? null,
    highText: [...texts].sort().at(-1) ?? null,
    first: values[0] ?? null,
    last: values.at(-1) ?? null,
    firstText: texts[0] ?? null,
    lastText: texts.at(-1) ?? null,
    variance: values.length < 2 ? null : squares / (values.length - 1),
    deviation: none ? null : Math.sqrt(squares / values.length),
    median: none ? null : sorted[Math.floor(0.5 * (values.length - 1))],
    upper: none ? null : sorted[Math.floor(0.9 * (values.length - 1))],
    different: new Set(values).size,
    texts: new Set(texts).size,
    level: none ? null : duration === 0 ? values.at(-1) : area / duration,
    rate: duration === 0 ? null : (rise / duration) * 1000,
    arrivals: events
      .map(({ arrival }) => arrival)
      .sort((a, b) => a - b)
      .join(),
  };
}

/**
 * What `windowed(tumbling(size), …)` does in the scenario `windows`, as someone would write it who needs just this: a loop, a Map for
 * each window, an object for each key in it. The same rows come out, in the same order.
 *
 * @returns how many events were late
 */
export function windowsByHand(events, size, lateness, emit) {
  const windows = new Map();
  const starts = [];
  let current;
  let currentStart = Number.NaN;
  let latest = -Infinity;
  let nextEnd = Infinity;
  let late = 0;
  const close = () => {
    const start = starts.shift();
    for (const [device, state] of windows.get(start)) emit(rowOf(device, start, start + size, state));
    windows.delete(start);
    nextEnd = (starts[0] ?? Infinity) + size;
    if (start === currentStart) currentStart = Number.NaN;
  };
  for (const event of events) {
    const { ts } = event;
    if (ts > latest) {
      latest = ts;
      while (latest - lateness >= nextEnd) close();
    }
    const start = ts - (((ts % size) + size) % size);
    if (start !== currentStart) {
      if (start + size <= latest - lateness) {
        late++;
        continue;
      }
      current = windows.get(start);
      currentStart = start;
      if (current === undefined) {
        windows.set(start, (current = new Map()));
        starts.push(start);
        starts.sort((a, b) => a - b);
        nextEnd = starts[0] + size;
      }
    }
    let state = current.get(event.device);
    if (state === undefined) current.set(event.device, (state = newState()));
    add(state, event);
  }
  while (starts.length > 0) close();
  return late;
}

/** Numbers with a fraction first, so that V8 keeps their fields as floats from the beginning: half as fast otherwise. */
export function newState() {
  const state = {
    firstTime: 0.5,
    lastTime: 0.5,
    count: 0,
    values: 0,
    sum: 0.5,
    lost: 0.5,
    peak: 0.5,
    others: 0,
    total: 0.5,
    totalLost: 0.5,
  };
  state.firstTime = Infinity;
  state.lastTime = -Infinity;
  state.peak = -Infinity;
  state.sum = state.lost = state.total = state.totalLost = 0;
  return state;
}

export function add(state, { ts, temperature, humidity }) {
  state.count++;
  if (ts < state.firstTime) state.firstTime = ts;
  if (ts > state.lastTime) state.lastTime = ts;
  if (temperature !== undefined && temperature !== null) {
    state.values++;
    const { sum } = state;
    const next = sum + temperature;
    state.lost += Math.abs(sum) >= Math.abs(temperature) ? sum - next + temperature : temperature - next + sum;
    state.sum = next;
    if (temperature > state.peak) state.peak = temperature;
  }
  if (humidity !== undefined && humidity !== null) {
    state.others++;
    const { total } = state;
    const next = total + humidity;
    state.totalLost += Math.abs(total) >= Math.abs(humidity) ? total - next + humidity : humidity - next + total;
    state.total = next;
  }
}

export function rowOf(device, start, end, state) {
  const { firstTime, lastTime, count, values, others } = state;
  return {
    device,
    start,
    end,
    firstTime,
    lastTime,
    count,
    mean: values === 0 ? null : (state.sum + state.lost) / values,
    peak: values === 0 ? null : state.peak,
    total: others === 0 ? null : state.total + state.totalLost,
    n: count,
    revision: 0,
    final: true,
  };
}

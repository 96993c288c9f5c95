import { endWith, filter, from, groupBy, mergeMap, scan } from 'rxjs'; // The library's own copy, which Node finds in the folder above.
import { add, newState, rowOf } from './windows-by-hand.js';

const END = null;

/**
 * The same in plain RxJS: a group for each key, a scan in each that keeps its open windows. Time is of each key, which is less work:
 * none of the scans hears of the others' events.
 */
export function windowsByRxjs(events, size, lateness) {
  return from(events).pipe(
    groupBy(({ device }) => device),
    mergeMap((group) =>
      group.pipe(
        endWith(END),
        scan((open, event) => take(open, event, size, lateness, group.key), {
          latest: -Infinity,
          windows: new Map(),
          closed: [],
        }),
        filter(({ closed }) => closed.length > 0),
        mergeMap(({ closed }) => closed),
      ),
    ),
  );
}

function take(open, event, size, lateness, device) {
  if (open.closed.length > 0) open.closed = [];
  if (event === END) {
    close(open, Infinity, size, device);
    return open;
  }
  const { ts } = event;
  if (ts > open.latest) {
    open.latest = ts;
    close(open, ts - lateness, size, device);
  }
  const start = ts - (((ts % size) + size) % size);
  if (start + size <= open.latest - lateness) return open;
  let state = open.windows.get(start);
  if (state === undefined) open.windows.set(start, (state = newState()));
  add(state, event);
  return open;
}

function close(open, watermark, size, device) {
  for (const [start, state] of open.windows) {
    if (start + size > watermark) continue;
    open.windows.delete(start);
    open.closed.push(rowOf(device, start, start + size, state));
  }
}

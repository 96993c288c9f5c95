import type { Resolved } from './options.js';
import type { WindowKind } from './window.js';

/**
 * What of the options of `windowed` decides whether state that was saved still fits, as plain data. Of functions it has nothing: whoever
 * changes one goes on with the state that the other made.
 */
export function shapeOf({ window, by, time, lateness, correctFor, aggregates }: Resolved): unknown {
  return {
    window: shapeOfKind(window.kind),
    by,
    time: time ?? null,
    lateness,
    correctFor,
    // In their order, which is that of what they keep.
    aggregates: Object.entries(aggregates).map(([name, { text }]) => [name, text]),
  };
}

function shapeOfKind(kind: WindowKind<never>): unknown {
  switch (kind.type) {
    case 'aligned':
      return kind.intervals.shape;
    case 'session':
      return { gap: kind.gap };
    case 'count':
      return { count: kind.size, every: kind.every };
    default:
      return kind.type;
  }
}

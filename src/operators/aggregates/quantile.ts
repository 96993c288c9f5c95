import { MillraceError } from '../../errors.js';
import { type Accumulator, type Aggregate, OPTIONAL_NUMBER } from './aggregate.js';
import { notANumber } from './not-a-number.js';
import { SKETCH_FORM, type Sketch, SketchScale } from './sketch.js';

export interface QuantileOptions {
  /** The bound of the relative error, from 0.0001 to 0.5. Default 0.01. */
  readonly accuracy?: number;
}

/**
 * The q-quantile of a column's numbers: what stands at rank `q × (n − 1)`, rounded down, of the n values in order; 0.5 is the (lower)
 * median. Null where there is no value; NaN is more than every number, as in SQL.
 *
 * The answer is at most `accuracy` away from the true one, relative to it (DDSketch): at 0.01, 200 ms may be told as 198 to 202.
 * Memory goes with the orders of magnitude that the values span and not with their number: at 0.01 about 115 bins of 16 bytes for
 * each factor of 10.
 *
 * @throws MillraceError `INVALID_OPTION`
 * @example
 * windowed(tumbling('1m'), { by: 'route', time: 'at', aggregate: { p50: quantile('ms', 0.5), p99: quantile('ms', 0.99) } })
 */
export function quantile<C extends string>(
  column: C,
  q: number,
  { accuracy = 0.01 }: QuantileOptions = {},
): Aggregate<C, number | bigint, number | null> {
  const text = `quantile(${column}, ${q}${accuracy === 0.01 ? '' : `, { accuracy: ${accuracy} }`})`;
  if (!(q >= 0 && q <= 1)) throw new MillraceError('INVALID_OPTION', `${text}: the quantile must be from 0 to 1.`);
  if (!(accuracy >= 0.0001 && accuracy <= 0.5))
    throw new MillraceError('INVALID_OPTION', `${text}: option accuracy must be from 0.0001 to 0.5, not ${accuracy}.`);
  const scale = new SketchScale(accuracy);
  return {
    text,
    gives: OPTIONAL_NUMBER,
    accumulators: [sketchOf(column, scale, accuracy)],
    reader: ([kept]) => {
      return (place) => {
        const sketch = place.object(kept!.object) as Sketch | undefined;
        return sketch === undefined ? null : scale.quantile(sketch, q);
      };
    },
  };
}

function sketchOf(column: string, scale: SketchScale, accuracy: number): Accumulator {
  return {
    id: `sketch ${accuracy}`,
    column,
    numbers: [],
    object: SKETCH_FORM,
    add: null,
    addAny: (place, { object }, value) => {
      if (typeof value !== 'number' && typeof value !== 'bigint') throw notANumber(column, value);
      let sketch = place.object(object) as Sketch | undefined;
      if (sketch === undefined) place.setObject(object, (sketch = { bins: [], counts: [] }));
      scale.add(sketch, Number(value));
    },
    merge: (into, from, { object }) => {
      const sketch = from.object(object) as Sketch | undefined;
      if (sketch === undefined) return;
      const target = into.object(object) as Sketch | undefined;
      if (target === undefined) into.setObject(object, sketch);
      else scale.merge(target, sketch);
    },
  };
}

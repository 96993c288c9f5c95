import type { Key } from '../segment-format.js';
import { compareKeys, inCodePointOrder } from './key-order.js';
import { integerOrder } from './stable-order.js';

/**
 * The numbers of distinct keys in the order of a segment. Where every row has a key of its own, this takes most of the
 * time of building: keys are ordered by the beginning of their first part, as a number and by counting; only those that
 * begin alike are compared.
 */
export function keyOrder(keys: readonly Key[]): Uint32Array {
  const beginnings = beginningsOf(keys.map((key) => key[0]!));
  const order = integerOrder(beginnings, keys.length);
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && beginnings[order[to]!] === beginnings[order[from]!]) to++;
    if (to > from + 1) order.subarray(from, to).sort((a, b) => compareKeys(keys[a]!, keys[b]!));
    from = to;
  }
  return order;
}

/** For each part a whole number that rises with it, less than 2⁵³ from the others; equal ones say nothing. */
function beginningsOf(parts: readonly Key[number][]): Float64Array {
  if (typeof parts[0] === 'number') return Float64Array.from(parts as number[]);
  return typeof parts[0] === 'string' ? textBeginnings(parts as string[]) : new Float64Array(parts.length);
}

const BEGINNING_BITS = 48;

/** What follows the beginning that all have in common: six characters, or three where they are not all Latin. */
function textBeginnings(texts: readonly string[]): Float64Array {
  const common = commonLength(texts);
  const bits = texts.some((text) => !isLatin(text)) ? 16 : 8;
  return Float64Array.from(texts, (text) => {
    let beginning = 0;
    for (let at = common; at < common + BEGINNING_BITS / bits; at++) {
      beginning = beginning * 2 ** bits + (at < text.length ? inCodePointOrder(text.charCodeAt(at)) : 0);
    }
    return beginning;
  });
}

function commonLength(texts: readonly string[]): number {
  const [first = ''] = texts;
  let length = first.length;
  for (const text of texts) {
    let same = 0;
    while (same < length && text.charCodeAt(same) === first.charCodeAt(same)) same++;
    length = same;
  }
  return length;
}

function isLatin(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0xff) return false;
  return true;
}

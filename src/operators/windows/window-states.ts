import type { ObjectForm } from '../aggregates/object-form.js';
import type { Key } from './key.js';

/** The numbers that every window has, before those of its aggregates. */
export const START = 0;
export const END = 1;
export const FIRST_TIME = 2;
export const LAST_TIME = 3;
export const COUNT = 4;
/** How often its row has been final, less one: -1 while it never was. */
export const REVISION = 5;
/** Rises with each window that is opened, from 1; 0 in a slot that is free. */
export const SEQUENCE = 6;
export const HEADER = 7;

export const HEADER_AT_FIRST: readonly number[] = [0, 0, Infinity, -Infinity, 0, -1, 0];

/** What a window keeps: numbers at first, the header's among them, and objects. */
export interface StateShape {
  readonly numbers: readonly number[];
  readonly objects: readonly ObjectForm[];
}

/** Where the state of one window is. One place is moved from window to window: it is not kept. */
export abstract class Place {
  /** The numbers of the window begin at `at`. */
  numbers: Float64Array = new Float64Array(0);
  at = 0;

  /** `undefined` until it is set. It may be changed in place. */
  abstract object(index: number): unknown;
  abstract setObject(index: number, value: unknown): void;
}

/**
 * The windows of one operator that are open or may still be corrected, each in a slot. Everything else that the operator knows, except
 * its time and what waits for its turn, follows from them: the indexes of the kinds of windows are built again from keys and headers.
 */
export interface WindowStates {
  /** The slots of those that a checkpoint has saved, in the order of their sequence. */
  readonly loaded: Uint32Array;
  place(): Place;
  /** A slot for a new window. */
  open(key: Key, start: number, end: number): number;
  /** Moves a place to a window, to change it. What the place gives is not to be used after the event. */
  seek(slot: number, place: Place): void;
  key(slot: number): Key;
  number(slot: number, field: number): number;
  setNumber(slot: number, field: number, value: number): void;
  close(slot: number): void;
}

/** Writes the numbers of a new window. */
export function writeNew(
  numbers: Float64Array,
  at: number,
  template: readonly number[],
  start: number,
  end: number,
  sequence: number,
): void {
  for (let field = HEADER; field < template.length; field++) numbers[at + field] = template[field]!;
  numbers[at + START] = start;
  numbers[at + END] = end;
  numbers[at + FIRST_TIME] = Infinity;
  numbers[at + LAST_TIME] = -Infinity;
  numbers[at + COUNT] = 0;
  numbers[at + REVISION] = -1;
  numbers[at + SEQUENCE] = sequence;
}

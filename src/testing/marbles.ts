import { afterTheEnd, badMarbles, unequalLengths } from './misuse.js';

/** What happens in one frame: events in order, then a checkpoint, then a crash or the end of the mill. */
export interface Frame {
  readonly at: number;
  readonly events: readonly MarbleEvent[];
  readonly hasCheckpoint: boolean;
  readonly end: '!' | '|' | null;
}

export interface MarbleEvent {
  /** `null` where one text has the events of the only stream. */
  readonly stream: string | null;
  readonly letter: string;
}

export interface Marbles {
  /** Those in which something happens. */
  readonly frames: readonly Frame[];
  /** How many frames there are in all. */
  readonly length: number;
}

type Making = { -readonly [K in keyof Frame]: Frame[K] } & { readonly events: MarbleEvent[] };

const MARKS = '^!|';

/**
 * Reads marbles, of one stream or of several side by side. A character is a frame, a group takes as many as it has characters, a
 * space takes none, all as in RxJS.
 *
 * @throws MillraceError `INVALID_ARGUMENT` that says which character is wrong
 */
export function parseMarbles(marbles: string | Readonly<Record<string, string>>): Marbles {
  const frames = new Map<number, Making>();
  const lengths = new Map<string, number>();
  if (typeof marbles === 'string') lengths.set('', parseText(marbles, null, frames));
  else for (const [stream, text] of Object.entries(marbles)) lengths.set(stream, parseText(text, stream, frames));
  if (new Set(lengths.values()).size > 1) throw unequalLengths(lengths);
  const inOrder = [...frames.values()].toSorted((a, b) => a.at - b.at);
  const closed = inOrder.find(({ end }) => end === '|');
  if (closed !== undefined && closed !== inOrder.at(-1)) throw afterTheEnd(closed.at, inOrder.at(-1)!.at);
  return { frames: inOrder, length: Math.max(0, ...lengths.values()) };
}

/** Puts what a text says into its frames; gives the number of frames. */
function parseText(text: string, stream: string | null, frames: Map<number, Making>): number {
  let at = 0;
  let group = -1;
  let isMarked = false;
  for (const [place, character] of Array.from(text).entries()) {
    if (/\s/.test(character)) continue;
    const frame = group < 0 ? at : group;
    at++;
    if (character === '(') {
      if (group >= 0) throw badMarbles(text, place, 'a group inside a group');
      group = frame;
      isMarked = false;
    } else if (character === ')') {
      if (group < 0) throw badMarbles(text, place, 'no group is open');
      group = -1;
    } else if (character === '-') {
      if (group >= 0) throw badMarbles(text, place, 'no time passes inside a group');
    } else {
      if (group >= 0 && isMarked && !MARKS.includes(character))
        throw badMarbles(text, place, 'in a group, events come before ^, ! and |');
      isMarked = MARKS.includes(character);
      put(frames, frame, character, stream, () => badMarbles(text, place, 'a frame has either "!" or "|"'));
    }
  }
  if (group >= 0) throw badMarbles(text, text.length - 1, 'the group is not closed');
  return at;
}

function put(frames: Map<number, Making>, at: number, character: string, stream: string | null, both: () => Error) {
  let frame = frames.get(at);
  if (frame === undefined) frames.set(at, (frame = { at, events: [], hasCheckpoint: false, end: null }));
  if (character === '^') frame.hasCheckpoint = true;
  else if (character === '!' || character === '|') {
    if (frame.end !== null && frame.end !== character) throw both();
    frame.end = character;
  } else frame.events.push({ stream, letter: character });
}

/** What happened in a frame, as a character. */
export interface Mark {
  readonly frame: number;
  readonly letter: string;
}

/**
 * The marbles of what happened, in order of its frames: blank before the frame `from`, then dashes up to the frame `to`. Where a group
 * takes more room than there is before the next one, what follows is pushed to the right.
 */
export function printMarbles(marks: readonly Mark[], from: number, to: number): string {
  let text = ' '.repeat(from);
  for (let at = 0; at < marks.length; ) {
    const { frame } = marks[at]!;
    let letters = '';
    for (; marks[at]?.frame === frame; at++) letters += marks[at]!.letter;
    text = text.padEnd(frame, '-') + (letters.length > 1 ? `(${letters})` : letters);
  }
  return text.padEnd(to, '-');
}

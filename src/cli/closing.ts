import type { Millrace } from '../streams/millrace.js';

/** A close that takes longer wants an explanation. */
const SLOW_MS = 500;

/** Closes a mill; where that takes long, says what it does, and what else there is to `say`. */
export async function closeInOrder(mill: Millrace, say: (text: string) => void, more = ''): Promise<void> {
  const words = `Closing: the last checkpoint brings what was written into segments.${more}`;
  const slow = setTimeout(() => say(words), SLOW_MS);
  await mill.close().finally(() => clearTimeout(slow));
}

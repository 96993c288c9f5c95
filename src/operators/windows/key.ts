export type KeyPart = string | number | bigint | boolean;
/** The value of the key column; of several columns, or of none, their values. */
export type Key = KeyPart | readonly KeyPart[];
/** What stands for a key in a `Map`: the value itself, or a text that no other values have. */
export type Identity = KeyPart;

export function identityOf(key: Key): Identity {
  if (typeof key !== 'object') return key;
  let text = '';
  // Each with its type and its length or an end, so that no two run together.
  for (const part of key) {
    if (typeof part === 'string') text += `s${part.length}:${part}`;
    else text += `${MARKS[typeof part as keyof typeof MARKS]}${part};`;
  }
  return text;
}

const MARKS = { number: 'n', bigint: 'i', boolean: 'b' } as const;

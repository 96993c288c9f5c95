import { type EntriesEncoder, objectCodec, type StateCodec } from '../../snapshots/state-codec.js';
import type { Identity } from '../../snapshots/state-key.js';
import type { ObjectForm } from '../aggregates/object-form.js';

/** The objects of a window, by their numbers; `undefined` for those that are not set. */
export type WindowObjects = unknown[];

/** The objects of windows, each in its form: they are changed in place, and in a file they are plain data. */
export function objectsCodec(forms: readonly ObjectForm[]): StateCodec<WindowObjects, unknown[]> {
  const each =
    (way: keyof ObjectForm) =>
    (objects: unknown): WindowObjects =>
      forms.map((form, at) => {
        const object = (objects as WindowObjects)[at];
        return object === undefined ? undefined : form[way](object);
      });
  const [pack, unpack] = [each('pack'), each('unpack')];
  const plain = objectCodec<WindowObjects>(each('clone'));
  return {
    ...plain,
    encoder: () => new PackingEncoder(plain.encoder(), pack),
    decode: (body, count) => {
      const entries = plain.decode(body, count);
      return entries === null ? null : { ...entries, values: entries.values.map(unpack) };
    },
    hashOf: (hash, identity, values, at) => plain.hashOf(hash, identity, [pack(values[at])], 0),
  };
}

class PackingEncoder implements EntriesEncoder<unknown[]> {
  constructor(
    private readonly plain: EntriesEncoder<unknown[]>,
    private readonly pack: (objects: unknown) => unknown,
  ) {}

  get count(): number {
    return this.plain.count;
  }

  get isFull(): boolean {
    return this.plain.isFull;
  }

  add(slot: number, identity: Identity, values: unknown[], at: number): void {
    this.plain.add(slot, identity, [this.pack(values[at])], 0);
  }

  finish(): Uint8Array {
    return this.plain.finish();
  }
}

import type { PowerCut } from './power-cut.js';
import { SimulatedFile } from './simulated-file.js';

export type Node = SimulatedFile | SimulatedDirectory;

export class SimulatedDirectory {
  /** What a program sees. */
  entries = new Map<string, Node>();
  /** What a power cut leaves, before the pending changes. */
  durable = new Map<string, Node>();
}

export interface Place {
  readonly directory: SimulatedDirectory;
  readonly name: string;
}

/** One atomic operation on names: a creation, a removal, or both at once (a rename). */
interface NameChange {
  readonly removed?: Place;
  readonly put?: Place & { readonly node: Node };
}

/** Gives the copy of a node, making it where there is none yet. */
type CopyOf = <T extends Node>(node: T) => T;

/** The changes of names that are not durable yet, in order, as a file system's journal holds them. */
export class NameJournal {
  #changes: (NameChange & { readonly sequence: number })[] = [];
  #sequence = 0;

  /** Takes effect for programs at once. */
  record(change: NameChange): void {
    this.#changes.push({ ...change, sequence: ++this.#sequence });
    applyTo('entries', change);
  }

  /** A sync of a directory begins here: it covers the changes up to now. */
  mark(): number {
    return this.#sequence;
  }

  /** What a change needs becomes durable with it: the earlier ones of its directories, so no rename is half durable. */
  sync(directory: SimulatedDirectory, mark: number): void {
    const synced = new Set([directory]);
    const durable = new Set<NameChange>();
    for (const change of this.#changes.toReversed()) {
      const directories = directoriesOf(change);
      if (change.sequence > mark || !directories.some((one) => synced.has(one))) continue;
      for (const one of directories) synced.add(one);
      durable.add(change);
    }
    this.#changes = this.#changes.filter((change) => {
      if (durable.has(change)) applyTo('durable', change);
      return !durable.has(change);
    });
  }

  /** Of each directory's pending changes a prefix stays, by chance. */
  cutPower(cut: PowerCut): void {
    const left = new Map<SimulatedDirectory, number>();
    for (const directory of this.#changes.flatMap(directoriesOf)) left.set(directory, (left.get(directory) ?? 0) + 1);
    for (const [directory, count] of left) left.set(directory, cut.upTo(count));
    for (const change of this.#changes) {
      const directories = directoriesOf(change);
      // A rename between two directories that one of them lost is lost in both, and with it what came after.
      const kept = directories.every((directory) => left.get(directory)! > 0);
      if (kept) applyTo('durable', change);
      for (const directory of directories) left.set(directory, kept ? left.get(directory)! - 1 : 0);
    }
    this.#changes = [];
  }

  clone(copyOf: CopyOf): NameJournal {
    const copy = new NameJournal();
    copy.#sequence = this.#sequence;
    copy.#changes = this.#changes.map(({ sequence, removed, put }) => ({
      sequence,
      removed: removed && { ...removed, directory: copyOf(removed.directory) },
      put: put && { ...put, directory: copyOf(put.directory), node: copyOf(put.node) },
    }));
    return copy;
  }
}

/** A function that copies nodes with what is below them, each once. */
export function copier(): CopyOf {
  const copies = new Map<Node, Node>();
  return function copyOf<T extends Node>(node: T): T {
    const known = copies.get(node);
    if (known) return known as T;
    const copy = node instanceof SimulatedFile ? node.clone() : new SimulatedDirectory();
    copies.set(node, copy);
    if (node instanceof SimulatedDirectory && copy instanceof SimulatedDirectory) {
      for (const [name, below] of node.entries) copy.entries.set(name, copyOf(below));
      for (const [name, below] of node.durable) copy.durable.set(name, copyOf(below));
    }
    return copy as T;
  };
}

/** What is durable becomes what a program sees, here and below. */
export function forgetPending(directory: SimulatedDirectory): void {
  directory.entries = new Map(directory.durable);
  for (const node of directory.entries.values()) if (node instanceof SimulatedDirectory) forgetPending(node);
}

function directoriesOf({ removed, put }: NameChange): SimulatedDirectory[] {
  if (!removed) return [put!.directory];
  return put && put.directory !== removed.directory ? [removed.directory, put.directory] : [removed.directory];
}

function applyTo(side: 'entries' | 'durable', { removed, put }: NameChange): void {
  if (removed) removed.directory[side].delete(removed.name);
  if (put) put.directory[side].set(put.name, put.node);
}

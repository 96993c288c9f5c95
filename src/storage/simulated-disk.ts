import { posix } from 'node:path';
import type { PowerCut } from './power-cut.js';
import { SimulatedFile } from './simulated-file.js';
import { copier, forgetPending, NameJournal, type Node, type Place, SimulatedDirectory } from './simulated-names.js';
import { StorageError } from './storage.js';

/**
 * The names of a simulated disk: a tree of directories that leads to files. A name leads to a file, so a rename moves the
 * name and never the contents. Paths that do not begin with `/` have a tree of their own.
 */
export class SimulatedDisk {
  #absolute = new SimulatedDirectory();
  #relative = new SimulatedDirectory();
  #journal = new NameJournal();

  file(path: string, operation: string): SimulatedFile {
    const node = this.#find(path, operation);
    if (node instanceof SimulatedFile) return node;
    throw new StorageError(node ? 'EISDIR' : 'ENOENT', operation, path);
  }

  fileOrCreate(path: string, operation: string): SimulatedFile {
    const { directory, name } = this.#place(path, operation);
    const found = directory.entries.get(name);
    if (found instanceof SimulatedFile) return found;
    if (found || name === '') throw new StorageError('EISDIR', operation, path);
    const node = new SimulatedFile();
    this.#journal.record({ put: { directory, name, node } });
    return node;
  }

  makeDirectory(path: string): void {
    let directory = this.#root(path);
    for (const name of segments(path)) {
      let node = directory.entries.get(name);
      if (node instanceof SimulatedFile) throw new StorageError('EEXIST', 'makeDirectory', path);
      if (!node) {
        node = new SimulatedDirectory();
        this.#journal.record({ put: { directory, name, node } });
      }
      directory = node;
    }
  }

  list(path: string): string[] {
    return [...this.#directory(path, 'list').entries.keys()].sort();
  }

  rename(from: string, to: string): void {
    const removed = this.#place(from, 'rename');
    const place = this.#place(to, 'rename');
    const node = removed.directory.entries.get(removed.name);
    const replaced = place.directory.entries.get(place.name);
    if (!node || place.name === '') throw new StorageError('ENOENT', 'rename', from);
    if (replaced === node) return;
    const code = refusal(node, replaced);
    if (code) throw new StorageError(code, 'rename', from);
    this.#journal.record({ removed, put: { ...place, node } });
  }

  remove(path: string): void {
    this.file(path, 'remove');
    this.#journal.record({ removed: this.#place(path, 'remove') });
  }

  /** A sync of a directory begins here: it covers the names up to now. */
  mark(): number {
    return this.#journal.mark();
  }

  syncDirectory(path: string, mark = this.mark()): void {
    this.#journal.sync(this.#directory(path, 'syncDirectory'), mark);
  }

  /** For tests: a file that is there and whose name is durable, as is everything in the directories on its way. */
  durableFile(path: string): SimulatedFile {
    const found = this.#find(path, 'replace');
    if (found instanceof SimulatedFile) return found;
    const names = segments(path).slice(0, -1);
    const parents = names.map((_, index) => join(path, names.slice(0, index + 1)));
    this.makeDirectory(join(path, names));
    const file = this.fileOrCreate(path, 'replace');
    for (const parent of [join(path, []), ...parents]) this.syncDirectory(parent);
    return file;
  }

  /** Every file by its path, sorted. */
  files(): [string, SimulatedFile][] {
    return [...filesIn(this.#absolute, '/'), ...filesIn(this.#relative, '')].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /** The sum of the lengths of all files. */
  totalBytes(): number {
    return this.files().reduce((sum, [, file]) => sum + file.length, 0);
  }

  /** A copy, and the way from a file of this disk to the same file of the copy. */
  clone(): { readonly disk: SimulatedDisk; readonly fileOf: (file: SimulatedFile) => SimulatedFile } {
    const copyOf = copier();
    const disk = new SimulatedDisk();
    disk.#absolute = copyOf(this.#absolute);
    disk.#relative = copyOf(this.#relative);
    disk.#journal = this.#journal.clone(copyOf);
    return { disk, fileOf: copyOf };
  }

  /** Leaves what the disk kept. */
  cutPower(cut: PowerCut): void {
    this.#journal.cutPower(cut);
    forgetPending(this.#absolute);
    forgetPending(this.#relative);
    for (const [, file] of this.files()) cut.cut(file);
  }

  #root(path: string): SimulatedDirectory {
    return path.startsWith('/') ? this.#absolute : this.#relative;
  }

  #find(path: string, operation: string): Node | undefined {
    let node: Node | undefined = this.#root(path);
    for (const name of segments(path)) {
      if (node instanceof SimulatedFile) throw new StorageError('ENOTDIR', operation, path);
      node = node?.entries.get(name);
    }
    return node;
  }

  #directory(path: string, operation: string): SimulatedDirectory {
    const node = this.#find(path, operation);
    if (node instanceof SimulatedDirectory) return node;
    throw new StorageError(node ? 'ENOTDIR' : 'ENOENT', operation, path);
  }

  #place(path: string, operation: string): Place {
    const names = segments(path);
    const name = names.pop() ?? '';
    return { directory: this.#directory(join(path, names), operation), name };
  }
}

/** One spelling for each path: no `.`, no doubled or trailing slash. */
export function normalize(path: string): string {
  return join(path, segments(path));
}

/** The names as a path that is absolute where `like` is. */
function join(like: string, names: readonly string[]): string {
  return `${like.startsWith('/') ? '/' : ''}${names.join('/')}`;
}

function segments(path: string): string[] {
  return posix
    .normalize(path)
    .split('/')
    .filter((name) => name !== '' && name !== '.');
}

function refusal(moved: Node, replaced: Node | undefined): string | undefined {
  if (!(replaced instanceof SimulatedDirectory))
    return replaced && moved instanceof SimulatedDirectory ? 'ENOTDIR' : undefined;
  if (moved instanceof SimulatedFile) return 'EISDIR';
  return replaced.entries.size > 0 ? 'ENOTEMPTY' : undefined;
}

function filesIn(directory: SimulatedDirectory, prefix: string): [string, SimulatedFile][] {
  return [...directory.entries].flatMap(([name, node]): [string, SimulatedFile][] =>
    node instanceof SimulatedFile ? [[prefix + name, node]] : filesIn(node, `${prefix}${name}/`),
  );
}

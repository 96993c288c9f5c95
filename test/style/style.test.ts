import { posix } from 'node:path';
import { importsOf, nameOf, type SourceFile, sourceFiles } from '../support/stream-style.js';

const files = sourceFiles();
const folderOf = (path: string): string => (path.includes('/') ? path.slice(0, path.indexOf('/')) : path);

/** The places where a rule is broken: file, line and what is there. */
function broken(rule: (file: SourceFile) => readonly string[]): string[] {
  return files.flatMap((file) => rule(file).map((what) => `src/${file.path}:${what}`));
}

/** What may be imported from where: a folder from lower ones, and from itself. */
const LAYERS = [
  ['errors.ts'],
  ['storage'],
  ['wal'],
  ['snapshots'],
  ['operators'],
  ['streams'],
  ['index.ts'],
  ['backup', 'cli', 'testing'],
];
const layerOf = (folder: string): number => LAYERS.findIndex((layer) => layer.includes(folder));

const BARRELS = ['index.ts', 'testing/index.ts'];
const FUNCTIONS =
  /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression|ClassMethod|PrivateMethod|Constructor|MethodProperty|GetterProperty|SetterProperty)$/;
const CLOCKS = [
  'Date.now',
  'new Date()',
  'performance.now',
  'process.hrtime',
  'Math.random',
  'setTimeout',
  'setInterval',
  'setImmediate',
];
const mayReadClocks = (path: string): boolean => /^(storage|cli)\//.test(path) || path === 'streams/clock.ts';

describe('the sources', () => {
  it('are there, and every folder has its layer', () => {
    expect(files.length).toBeGreaterThan(30);
    expect(broken(({ path }) => (layerOf(folderOf(path)) < 0 ? [' has no layer'] : []))).toEqual([]);
  });

  it('have files of at most 250 lines', () => {
    expect(broken(({ lines }) => (lines > 250 ? [` ${lines} lines`] : []))).toEqual([]);
  });

  it('have functions that fit a screen: at most 50 lines', () => {
    const long = (file: SourceFile): string[] =>
      file.nodes
        .filter(({ type }) => FUNCTIONS.test(type))
        .map((node) => ({ line: file.lineOf(node), lines: file.linesOf(node) }))
        .filter(({ lines }) => lines > 50)
        .map(({ line, lines }) => `${line} has ${lines} lines`);
    expect(broken(long)).toEqual([]);
  });

  it('import downward only', () => {
    const upward = (file: SourceFile): string[] =>
      importsOf(file)
        .filter(({ from }) => from.startsWith('.'))
        .map(({ from, node }) => ({
          from,
          node,
          target: folderOf(posix.join(posix.dirname(file.path), from).replace(/\.js$/, '.ts')),
        }))
        .filter(
          ({ target }) =>
            target !== folderOf(file.path) && !(layerOf(target) < layerOf(folderOf(file.path)) && layerOf(target) >= 0),
        )
        .map(({ from, node }) => `${file.lineOf(node)} imports ${from}`);
    expect(broken(upward)).toEqual([]);
  });

  it('touch the file system in src/storage only', () => {
    const doors = (file: SourceFile): string[] =>
      file.path.startsWith('storage/')
        ? []
        : importsOf(file)
            .filter(({ from }) => /^(node:)?fs(\/|$)|^fs-native/.test(from))
            .map(({ from, node }) => `${file.lineOf(node)} imports ${from}`);
    expect(broken(doors)).toEqual([]);
  });

  it('take time, timers and randomness from outside', () => {
    const clocks = (file: SourceFile): string[] =>
      mayReadClocks(file.path)
        ? []
        : file.nodes
            .map((node) => ({ node, name: nameOf(node) }))
            .filter(({ name }) => name !== null && CLOCKS.includes(name))
            .map(({ node, name }) => `${file.lineOf(node)} uses ${name}`);
    expect(broken(clocks)).toEqual([]);
  });

  it('have no barrel but the public entries, and these name what they export', () => {
    const isReexport = ({ type, source }: { type: string; source?: unknown }): boolean =>
      /^Export(Named|All)Declaration$/.test(type) && Boolean(source);
    const barrels = ({ path, statements }: SourceFile): string[] => {
      const isBarrel =
        statements.length > 0 &&
        statements.every((node) => isReexport(node as never) || node.type === 'ImportDeclaration');
      if (BARRELS.includes(path)) return isBarrel ? [] : [' is more than a list of exports'];
      return isBarrel || path.endsWith('/index.ts') ? [' is a barrel'] : [];
    };
    const everything = (file: SourceFile): string[] =>
      file.nodes.filter(({ type }) => type === 'ExportAllDeclaration').map((node) => `${file.lineOf(node)} exports *`);
    expect(broken(barrels)).toEqual([]);
    expect(broken(everything)).toEqual([]);
  });

  it('have no default exports', () => {
    const defaults = (file: SourceFile): string[] =>
      file.nodes
        .filter(({ type }) => type.startsWith('ExportDefault'))
        .map((node) => `${file.lineOf(node)} has a default export`);
    expect(broken(defaults)).toEqual([]);
  });

  it('have kebab-case file names', () => {
    const names = ({ path }: SourceFile): string[] =>
      path.split('/').every((part) => /^[a-z0-9]+(-[a-z0-9]+)*(\.ts)?$/.test(part)) ? [] : [' is not kebab-case'];
    expect(broken(names)).toEqual([]);
  });

  it('have nothing left to do', () => {
    const marks = ({ text }: SourceFile): string[] =>
      text.split('\n').flatMap((line, at) => (/TODO|FIXME/.test(line) ? [`${at + 1} ${line.trim()}`] : []));
    expect(broken(marks)).toEqual([]);
  });
});

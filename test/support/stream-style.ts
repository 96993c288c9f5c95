import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync } from '@swc/core';

export interface Node {
  readonly type: string;
  readonly span: { readonly start: number; readonly end: number };
  readonly [field: string]: unknown;
}

/** A source file, parsed. Paths are relative to `src` and have slashes. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly lines: number;
  readonly statements: readonly Node[];
  /** Every node of the syntax tree. */
  readonly nodes: readonly Node[];
  lineOf(node: Node): number;
  linesOf(node: Node): number;
}

const root = join(process.cwd(), 'src');

export function sourceFiles(): SourceFile[] {
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .sort()
    .map((name) => parse(name.replaceAll('\\', '/'), readFileSync(join(root, name), 'utf8')));
}

export function parse(path: string, source: string): SourceFile {
  // A first line for the shell becomes a comment.
  const text = source.replace(/^#!/, '//');
  // Spans count bytes on from the file that was parsed before: a statement in front says where this one begins.
  const front = '0;';
  const bytes = Buffer.from(front + text);
  const [first, ...statements] = parseSync(front + text, { syntax: 'typescript', target: 'es2022' })
    .body as unknown as Node[];
  const base = first!.span.start;
  const linesBefore = (offset: number): number =>
    bytes
      .subarray(0, offset - base)
      .toString()
      .split('\n').length;
  const nodes: Node[] = [];
  collect(statements, nodes);
  return {
    path,
    text,
    statements,
    nodes,
    lines: text.trimEnd().split('\n').length,
    lineOf: ({ span }) => linesBefore(span.start),
    linesOf: ({ span }) => linesBefore(span.end) - linesBefore(span.start) + 1,
  };
}

function collect(value: unknown, into: Node[]): void {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value) && typeof (value as Node).type === 'string' && 'span' in value) into.push(value as Node);
  for (const child of Object.values(value)) collect(child, into);
}

/** Where a file gets things from, with the nodes that say so. */
export function importsOf(file: SourceFile): { readonly from: string; readonly node: Node }[] {
  return file.nodes.flatMap((node) => {
    const { source } = node as { source?: { value?: string } };
    if (/^(Import|ExportNamed|ExportAll)Declaration$/.test(node.type) && source?.value !== undefined)
      return [{ from: source.value, node }];
    const callee = node.callee as Node | undefined;
    if (node.type === 'CallExpression' && callee?.type === 'Import') {
      const [argument] = node.arguments as { expression: { value?: string } }[];
      return [{ from: String(argument?.expression.value), node }];
    }
    return [];
  });
}

/** `Date.now`, `setTimeout`, … as they are written, of members and plain calls. */
export function nameOf(node: Node): string | null {
  if (node.type === 'MemberExpression') {
    const { object, property } = node as unknown as { object: { value?: string }; property: { value?: string } };
    return `${object.value}.${property.value}`;
  }
  if (node.type === 'CallExpression') return ((node.callee as { value?: string }).value ?? null) as string | null;
  const isNow = node.type === 'NewExpression' && (node.arguments as unknown[] | null)?.length === 0;
  return isNow && (node.callee as { value?: string }).value === 'Date' ? 'new Date()' : null;
}

/** Graphs in plain text: for terminals, screen readers and notebooks that show no pictures. */
import { number } from './label.ts';
import { toldNode } from './nodes.ts';
import type { DrawableGraph, DrawableNode, NodeVerdict } from './types.ts';
import type { UnionNode } from './union.ts';

const MARKS: Record<NodeVerdict, string> = {
  right: '✓',
  wrong_value: '✗',
  wrong_parents: '✗',
  missing: '-',
  extra: '+',
};

/** One line per node: `?` for the asked-for one and `=` for one whose value is given, name, value, parents. */
export function summariseGraph(title: string, graph: DrawableGraph): string {
  const told = toldNode(graph);
  const rows = graph.nodes.map((node) => [
    node.name === graph.query ? '?' : node.name === told ? '=' : ' ',
    node.name,
    valueText(node),
    node.dependencies.length === 0 ? '' : `<- ${node.dependencies.join(', ')}`,
  ]);
  return [title, ...align(rows)].join('\n');
}

/** One line per node of either graph: mark, name, gold value, predicted value, verdict. */
export function summarisePair(title: string, nodes: readonly UnionNode[], query?: string): string {
  const rows = nodes.map(({ name, gold, predicted, verdict }) => [
    MARKS[verdict],
    name === query ? `${name} (asked)` : name,
    gold === undefined ? '' : valueText(gold),
    predicted === undefined ? '' : valueText(predicted),
    verdict.replaceAll('_', ' '),
  ]);
  return [title, ...align([['', 'quantity', 'gold', 'predicted', 'verdict'], ...rows])].join('\n');
}

function valueText(node: DrawableNode): string {
  return node.value === undefined || node.value === null ? '?' : number(node.value);
}

function align(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => [...row[column]!].length))) ?? [];
  return rows.map((row) =>
    row
      .map((cell, column) => cell + ' '.repeat(widths[column]! - [...cell].length))
      .join('  ')
      .trimEnd(),
  );
}

/**
 * Where nodes and edges go: d3-dag's Sugiyama layout gives layers, places within a layer and the places where
 * long edges pass a layer; the routes are ours. `u` runs along the layers (parents first), `v` across them.
 *
 * Within the band of a layer an edge runs straight along u, and it bends only in the gap between two bands.
 * So no edge can cross a node, whatever the nodes' sizes, which smoothing d3-dag's waypoints does not give.
 */
import { coordSimplex, decrossTwoLayer, graphStratify, layeringSimplex, sugiyama, twolayerAgg } from 'd3-dag';
import { internalError } from '../../core/errors.ts';
import { px } from '../svg/markup.ts';
import { edgeKey } from './types.ts';

export interface Size {
  width: number;
  height: number;
}

/** A drawn edge: its line, and the triangle at its end whose tip touches the child. */
export interface Route {
  line: string;
  head: string;
  tip: { x: number; y: number };
}

export interface Layout extends Size {
  /** Centres of the nodes. */
  centres: Map<string, { x: number; y: number }>;
  /** By {@link edgeKey}. */
  routes: Map<string, Route>;
  layers: number;
}

/** Between neighbours of a layer, and between layers, in px. */
export const GAP = { across: 24, along: 42 };
const HEAD = { length: 8, width: 7 };
const LOOP = 24;
const PORT_SPACING = 16;
const CORNER = 12;

type Direction = 'down' | 'right';

/**
 * Lays out nodes of given box sizes. Cycles are laid out with one of their edges running backwards; an edge of
 * a node to itself becomes a loop at its side. The result depends on the order of the arguments and on nothing
 * else.
 */
export function layoutGraph(
  sizes: ReadonlyMap<string, Size>,
  edges: readonly (readonly [string, string])[],
  direction: Direction,
): Layout {
  if (sizes.size === 0) {
    return { width: 0, height: 0, centres: new Map(), routes: new Map(), layers: 0 };
  }
  const turned = direction === 'right';
  const loops = new Set(edges.filter(([parent, child]) => parent === child).map(([name]) => name));
  /** Box sizes as (across, along). */
  const boxes = new Map(
    [...sizes].map(([name, { width, height }]) => [name, turned ? [height, width] : [width, height]]),
  ) as Map<string, [number, number]>;
  const placed = place(boxes, edges, loops);

  const toXY = (u: number, v: number) => (turned ? { x: u, y: v } : { x: v, y: u });
  const centres = new Map([...placed.nodes].map(([name, { u, v }]) => [name, toXY(u, v)]));
  const routes = new Map<string, Route>();
  for (const [key, stations] of routeAll(placed, boxes)) routes.set(key, drawRoute(stations, toXY));
  for (const name of loops) {
    const { u, v } = placed.nodes.get(name)!;
    routes.set(edgeKey(name, name), drawLoop(u, v + boxes.get(name)![0] / 2, toXY));
  }
  const size = turned
    ? { width: placed.along, height: placed.across }
    : { width: placed.across, height: placed.along };
  return { ...size, centres, routes, layers: placed.bands.size };
}

interface Placed {
  nodes: Map<string, { u: number; v: number }>;
  /** Per edge key: centres passed on the way, parent and child included, in the edge's own direction. */
  links: { parent: string; child: string; passes: { u: number; v: number }[] }[];
  /** Half of each layer's extent along u, by the layer's u. */
  bands: Map<number, number>;
  across: number;
  along: number;
}

function place(
  boxes: ReadonlyMap<string, readonly [number, number]>,
  edges: readonly (readonly [string, string])[],
  loops: ReadonlySet<string>,
): Placed {
  const parents = new Map<string, string[]>([...boxes.keys()].map((name) => [name, []]));
  for (const [parent, child] of edges) if (parent !== child) parents.get(child)?.push(parent);
  const data = [...boxes.keys()].map((id) => ({ id, parentIds: parents.get(id)! }));
  const graph = graphStratify()(data);
  // A loop stands at one side, but the box stays in the middle of its place, so room is needed on both.
  const nodeSize = (node: { data: { id: string } }): [number, number] => {
    const [across, along] = boxes.get(node.data.id)!;
    return [across + (loops.has(node.data.id) ? 2 * LOOP : 0), along];
  };
  const { width: across, height: along } = sugiyama()
    .layering(layeringSimplex())
    .decross(decrossTwoLayer().order(twolayerAgg()))
    .coord(coordSimplex())
    .nodeSize(nodeSize)
    .gap([GAP.across, GAP.along])(graph);

  const nodes = new Map<string, { u: number; v: number }>();
  const bands = new Map<number, number>();
  for (const node of graph.nodes()) {
    const u = round(node.y);
    nodes.set(node.data.id, { u, v: node.x });
    bands.set(u, Math.max(bands.get(u) ?? 0, boxes.get(node.data.id)![1] / 2));
  }
  const links = [...graph.links()].map((link) => {
    const passes = link.points.map(([v, y]) => ({ u: round(y), v }));
    const parent = link.source.data.id;
    const child = link.target.data.id;
    if (passes[0]!.u !== nodes.get(parent)!.u) passes.reverse();
    return { parent, child, passes };
  });
  return { nodes, links, bands, across, along };
}

/** Layers are told apart by their coordinate, so it must not differ in its last bits. */
function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** A stretch straight along u at `v`. */
interface Station {
  v: number;
  from: number;
  to: number;
}

/** For each edge the straight stretches it consists of; bends between them are implied. */
function routeAll(
  placed: Placed,
  boxes: ReadonlyMap<string, readonly [number, number]>,
): Map<string, Station[]> {
  const ports = assignPorts(placed, boxes);
  const routes = new Map<string, Station[]>();
  for (const { parent, child, passes } of placed.links) {
    const key = edgeKey(parent, child);
    const forward = Math.sign(passes.at(-1)!.u - passes[0]!.u);
    if (forward === 0) throw internalError(`an edge within a layer: ${parent} to ${child}`);
    routes.set(
      key,
      passes.map(({ u, v }, i) => {
        const band = placed.bands.get(u) ?? 0;
        if (i === 0) {
          const edge = u + (forward * boxes.get(parent)![1]) / 2;
          return { v: ports.get(`${key}\0out`)!, from: edge, to: u + forward * band };
        }
        if (i === passes.length - 1) {
          const edge = u - (forward * boxes.get(child)![1]) / 2;
          return { v: ports.get(`${key}\0in`)!, from: u - forward * (band + HEAD.length), to: edge };
        }
        return { v, from: u - forward * band, to: u + forward * band };
      }),
    );
  }
  return routes;
}

/** Spreads the ends of edges over a node's side, in the order of where they come from, so that they do not cross. */
function assignPorts(
  placed: Placed,
  boxes: ReadonlyMap<string, readonly [number, number]>,
): Map<string, number> {
  const sides = new Map<string, { id: string; toward: number; far: number }[]>();
  const add = (node: string, side: number, end: { id: string; toward: number; far: number }) => {
    const key = `${node}\0${side}`;
    const list = sides.get(key);
    if (list === undefined) sides.set(key, [end]);
    else list.push(end);
  };
  for (const { parent, child, passes } of placed.links) {
    const key = edgeKey(parent, child);
    const forward = Math.sign(passes.at(-1)!.u - passes[0]!.u);
    const last = passes.length - 1;
    add(parent, forward, { id: `${key}\0out`, toward: passes[1]!.v, far: passes[last]!.v });
    add(child, -forward, { id: `${key}\0in`, toward: passes[last - 1]!.v, far: passes[0]!.v });
  }
  const ports = new Map<string, number>();
  for (const [key, ends] of sides) {
    const name = key.slice(0, key.lastIndexOf('\0'));
    const room = boxes.get(name)![0] - 2 * CORNER;
    const spacing = Math.min(PORT_SPACING, ends.length > 1 ? room / (ends.length - 1) : 0);
    ends.sort((a, b) => a.toward - b.toward || a.far - b.far || (a.id < b.id ? -1 : 1));
    for (const [i, end] of ends.entries()) {
      ports.set(end.id, placed.nodes.get(name)!.v + (i - (ends.length - 1) / 2) * spacing);
    }
  }
  return ports;
}

type ToXY = (u: number, v: number) => { x: number; y: number };

function drawRoute(stations: readonly Station[], toXY: ToXY): Route {
  const at = (u: number, v: number) => {
    const { x, y } = toXY(u, v);
    return `${px(x)} ${px(y)}`;
  };
  const last = stations.at(-1)!;
  const forward = Math.sign(last.to - stations[0]!.from);
  let line = '';
  let previous: Station | undefined;
  for (const station of stations) {
    if (previous === undefined) line = `M${at(station.from, station.v)}`;
    else {
      const middle = (previous.to + station.from) / 2;
      line += `C${at(middle, previous.v)} ${at(middle, station.v)} ${at(station.from, station.v)}`;
    }
    const end = station === last ? station.to - forward * HEAD.length : station.to;
    if (Math.abs(end - station.from) > 0.01) line += `L${at(end, station.v)}`;
    previous = station;
  }
  const base = last.to - forward * (HEAD.length + 0.5);
  const half = HEAD.width / 2;
  return {
    line,
    head: `M${at(last.to, last.v)}L${at(base, last.v - half)}L${at(base, last.v + half)}Z`,
    tip: toXY(last.to, last.v),
  };
}

/** A loop at the side v of a node whose middle is at u. */
function drawLoop(u: number, v: number, toXY: ToXY): Route {
  const at = (du: number, dv: number) => {
    const { x, y } = toXY(u + du, v + dv);
    return `${px(x)} ${px(y)}`;
  };
  const reach = LOOP - 2;
  const half = HEAD.width / 2;
  return {
    line: `M${at(-7, 0)}C${at(-16, reach)} ${at(7, reach * 1.25)} ${at(7, HEAD.length)}`,
    head: `M${at(7, 0)}L${at(7 - half, HEAD.length)}L${at(7 + half, HEAD.length)}Z`,
    tip: toXY(u + 7, v),
  };
}

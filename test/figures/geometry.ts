/** Points and boxes of drawn SVG, for asking what touches what. */
import { numberOf, type XmlNode } from './xml.ts';

export interface Point {
  x: number;
  y: number;
}

export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export function boxOf(rect: XmlNode, shift: Point = { x: 0, y: 0 }): Box {
  const left = numberOf(rect, 'x') + shift.x;
  const top = numberOf(rect, 'y') + shift.y;
  return { left, top, right: left + numberOf(rect, 'width'), bottom: top + numberOf(rect, 'height') };
}

export function overlap(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

/** Inside by more than `margin`. */
export function inside(point: Point, box: Box, margin = 0): boolean {
  return (
    point.x > box.left + margin &&
    point.x < box.right - margin &&
    point.y > box.top + margin &&
    point.y < box.bottom - margin
  );
}

/** Distance from a point to the outline of a box. */
export function distanceToOutline(point: Point, box: Box): number {
  const dx = Math.max(box.left - point.x, 0, point.x - box.right);
  const dy = Math.max(box.top - point.y, 0, point.y - box.bottom);
  if (dx > 0 || dy > 0) return Math.hypot(dx, dy);
  return Math.min(point.x - box.left, box.right - point.x, point.y - box.top, box.bottom - point.y);
}

/** Points along a path of M, L, C and Z in absolute coordinates; curves are sampled. */
export function pointsOf(path: string, samples = 24): Point[] {
  const points: Point[] = [];
  let at: Point = { x: Number.NaN, y: Number.NaN };
  for (const [, command, rest] of path.matchAll(/([A-Z])([^A-Z]*)/g)) {
    const numbers = rest!.trim() === '' ? [] : rest!.trim().split(/\s+/).map(Number);
    if (numbers.some((value) => !Number.isFinite(value))) throw new Error(`bad path ${path}`);
    const pair = (i: number): Point => ({ x: numbers[2 * i]!, y: numbers[2 * i + 1]! });
    if (command === 'C') {
      const [a, b, c] = [pair(0), pair(1), pair(2)];
      for (let i = 1; i <= samples; i++) points.push(bezier(at, a, b, c, i / samples));
      at = c;
    } else if (command === 'L') {
      const end = pair(0);
      for (let i = 1; i <= samples; i++) {
        const t = i / samples;
        points.push({ x: at.x + (end.x - at.x) * t, y: at.y + (end.y - at.y) * t });
      }
      at = end;
    } else if (command === 'M') {
      at = pair(0);
      points.push(at);
    } else if (command !== 'Z') throw new Error(`unknown command ${command}`);
  }
  return points;
}

function bezier(p: Point, a: Point, b: Point, c: Point, t: number): Point {
  const s = 1 - t;
  const mix = (w: number, x: number, y: number, z: number) =>
    s ** 3 * w + 3 * s * s * t * x + 3 * s * t * t * y + t ** 3 * z;
  return { x: mix(p.x, a.x, b.x, c.x), y: mix(p.y, a.y, b.y, c.y) };
}

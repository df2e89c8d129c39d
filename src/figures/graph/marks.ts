/** How verdicts and kinds look: colour, outline and a badge each, so that no meaning hangs on colour alone. */
import { INK, mix, SIZE } from '../style.ts';
import { element, escapeMarkup, px } from '../svg/markup.ts';
import { textWidth } from '../text.ts';
import { LINE_HEIGHT, type NodeLabel } from './label.ts';
import type { Route } from './layout.ts';
import type { NodeVerdict, QuantityMark } from './types.ts';

export type NodeLook = NodeVerdict | 'given' | 'derived' | 'total' | 'unknown' | 'undefined' | 'distractor';

interface Look {
  label: string;
  stroke: string;
  fill: string;
  dash?: string;
  text?: string;
  /** Strokes of the badge's sign in a box from −4 to 4. */
  sign?: string;
}

const tint = (colour: string) => mix('#ffffff', colour, 0.14);

export const LOOKS: Record<NodeLook, Look> = {
  right: { label: 'right', stroke: '#009E73', fill: tint('#009E73'), sign: 'M-3.6 0.3L-1.1 2.9L3.6 -2.7' },
  wrong_value: {
    label: 'wrong value',
    stroke: '#C8461B',
    fill: tint('#D55E00'),
    sign: 'M-2.8 -2.8L2.8 2.8M-2.8 2.8L2.8 -2.8',
  },
  wrong_parents: {
    label: 'wrong parents',
    stroke: '#8E4585',
    fill: tint('#8E4585'),
    sign: 'M-3.2 -3L0 0.6L3.2 -3M0 0.6L0 3.6',
  },
  missing: {
    label: 'missing',
    stroke: '#8a8f94',
    fill: '#ffffff',
    dash: '5 3.5',
    text: '#6b7075',
    sign: 'M-3.2 0L3.2 0',
  },
  extra: {
    label: 'extra',
    stroke: '#D98E04',
    fill: tint('#E69F00'),
    sign: 'M-3.4 0L3.4 0M0 -3.4L0 3.4',
  },
  given: { label: 'given number', stroke: '#7A7F85', fill: '#f4f4f4' },
  derived: { label: 'stated relation', stroke: '#0072B2', fill: tint('#0072B2') },
  total: { label: 'total to be formed', stroke: '#3B3F8F', fill: tint('#3B3F8F') },
  unknown: { label: 'unknown', stroke: '#C8461B', fill: '#ffffff', dash: '7 2.5' },
  undefined: {
    label: 'without a value',
    stroke: '#8a8f94',
    fill: '#ffffff',
    dash: '2 3',
    text: '#6b7075',
  },
  distractor: { label: 'not needed', stroke: '#c4c8cc', fill: '#ffffff', text: '#80868b' },
};

/** Mark of the quantity whose value a reverse problem gives, though it follows from others. */
export const TOLD = {
  label: 'value given in the problem',
  stroke: INK.text,
  sign: 'M-3.2 -1.8L3.2 -1.8M-3.2 1.8L3.2 1.8',
} as const;

export const EDGE = {
  plain: { label: 'needs', stroke: '#5b6168', width: 1.4 },
  missing: { label: 'missing edge', stroke: '#8a8f94', width: 1.4, dash: '5 3.5' },
  extra: { label: 'extra edge', stroke: '#D98E04', width: 1.9 },
  distractor: { label: 'not needed', stroke: '#d3d6da', width: 1.1 },
} as const;
export type EdgeLook = keyof typeof EDGE;

/** From a node's box to the line around the asked-for one, half that line's width included, in px. */
export const RING = 5;

const BADGE_RADIUS = 7.5;

/** The box of a node around (x, y), with its text, its badge and, when it is asked for, a ring. */
export function drawNode(
  x: number,
  y: number,
  name: string,
  label: NodeLabel,
  look: NodeLook,
  options: {
    asked: boolean;
    told: boolean;
    total: boolean;
    tooltip: string;
    quantity?: QuantityMark | undefined;
  },
): string {
  const { width, height } = label;
  const style = LOOKS[look];
  const ink = style.text ?? INK.text;
  const { quantity } = options;
  const filled = quantity !== undefined && look !== 'missing' && look !== 'undefined';
  const parts = [element('title', {}, escapeMarkup(options.tooltip))];
  const radius = options.total ? Math.min(height / 2, 16) : 4;
  const box = (grow: number, attributes: Record<string, string | number | undefined>) =>
    element('rect', {
      x: x - width / 2 - grow,
      y: y - height / 2 - grow,
      width: width + 2 * grow,
      height: height + 2 * grow,
      rx: radius + grow,
      ...attributes,
    });
  if (options.asked)
    parts.push(box(RING - 0.9, { class: 'ring', fill: '#ffffff', stroke: INK.text, 'stroke-width': 1.8 }));
  parts.push(
    box(0, {
      class: 'box',
      fill: filled ? quantity.fill : style.fill,
      stroke: style.stroke,
      'stroke-width': filled ? 2 : 1.5,
      'stroke-dasharray': style.dash,
    }),
  );
  if (quantity !== undefined)
    parts.push(quantityLabel(x - width / 2 + (options.total ? 11 : 5), y - height / 2, quantity, ink));
  const all = [
    ...label.name.map((text) => ({ text, weight: 'normal' as const })),
    ...label.value.map((text) => ({ text, weight: 'bold' as const })),
  ];
  const top = y - (all.length * LINE_HEIGHT) / 2;
  for (const [i, { text, weight }] of all.entries()) {
    parts.push(
      element(
        'text',
        {
          x,
          y: top + (i + 0.5) * LINE_HEIGHT + SIZE.node * 0.35,
          'font-size': SIZE.node,
          'font-weight': weight === 'bold' ? 'bold' : undefined,
          'text-anchor': 'middle',
          textLength: textWidth(text, SIZE.node, weight),
          lengthAdjust: 'spacingAndGlyphs',
          fill: ink,
        },
        escapeMarkup(text),
      ),
    );
  }
  const badge = options.told ? TOLD : style;
  if (badge.sign !== undefined) parts.push(drawBadge(x + width / 2 - 3, y - height / 2 + 1, badge));
  return element(
    'g',
    {
      class: `node ${look}${options.asked ? ' asked' : ''}${options.told ? ' told' : ''}`,
      'data-name': name,
    },
    `\n${parts.join('\n')}\n`,
  );
}

/** A quantity's short label in the upper left corner of its box, in the padding. */
function quantityLabel(left: number, top: number, { label }: QuantityMark, ink: string): string {
  const attributes = { class: 'quantity', x: left, y: top + 8.5, 'font-size': 8.5, fill: ink };
  return element('text', attributes, escapeMarkup(label));
}

/** An edge on its route, with its head. */
export function drawEdge(key: string, route: Route, look: EdgeLook): string {
  const style = EDGE[look];
  return element(
    'g',
    { class: `edge ${look}`, 'data-edge': key.replace('\0', ' → ') },
    element('path', {
      d: route.line,
      fill: 'none',
      stroke: style.stroke,
      'stroke-width': style.width,
      'stroke-dasharray': 'dash' in style ? style.dash : undefined,
    }),
    element('path', { class: 'head', d: route.head, fill: style.stroke }),
  );
}

/** A disc with a verdict's sign, or that of {@link TOLD}. */
export function drawBadge(x: number, y: number, style: Pick<Look, 'stroke' | 'sign'>): string {
  return element(
    'g',
    { class: 'badge', transform: `translate(${px(x)} ${px(y)})` },
    element('circle', { r: BADGE_RADIUS, fill: style.stroke, stroke: '#ffffff', 'stroke-width': 1.5 }),
    element('path', {
      d: style.sign ?? '',
      fill: 'none',
      stroke: '#ffffff',
      'stroke-width': 1.9,
      'stroke-linecap': 'round',
      'stroke-linejoin': 'round',
    }),
  );
}

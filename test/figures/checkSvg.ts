/** What must hold of every figure's SVG: well-formed, all text and all data on the page, no text on another. */
import assert from 'node:assert/strict';
import type { Figure } from '../../src/figures/index.ts';
import { textWidth } from '../../src/figures/text.ts';
import { type Box, overlap, pointsOf } from './geometry.ts';
import { numberOf, parseXml, select, type XmlNode } from './xml.ts';

/** Asserts it; texts of axes, legends, titles and labels count. */
export function checkSvg(figure: Figure): void {
  const root = parseXml(figure.svg);
  const { width, height } = figure.layout;
  assert.equal(root.attributes.viewBox, `0 0 ${width} ${height}`);
  const boxes: { text: string; box: Box }[] = [];
  for (const text of select(root, ({ name }) => name === 'text')) {
    const { box, what } = boxOfText(text);
    assert.ok(box.left >= 0 && box.right <= width, `${what}: ${box.left} to ${box.right} of ${width}`);
    assert.ok(box.top >= 0 && box.bottom <= height, `${what}: ${box.top} to ${box.bottom} of ${height}`);
    boxes.push({ text: what, box });
  }
  for (const [i, one] of boxes.entries()) {
    for (const other of boxes.slice(i + 1)) {
      assert.ok(!overlap(one.box, other.box), `"${one.text}" stands on "${other.text}"`);
    }
  }
  for (const path of select(root, ({ name, attributes }) => name === 'path' && 'd' in attributes)) {
    for (const { x, y } of pointsOf(path.attributes.d!, 1)) {
      assert.ok(x >= -1 && x <= width + 1 && y >= -1 && y <= height + 1, `a path to ${x}, ${y}`);
    }
  }
}

/** The letters of a text without their ascenders' and descenders' air; turned texts too. */
function boxOfText(text: XmlNode): { box: Box; what: string } {
  const size = numberOf(text, 'font-size');
  const length = textWidth(text.text, size, text.attributes['font-weight'] === 'bold' ? 'bold' : 'normal');
  const share = { middle: 0.5, end: 1 }[text.attributes['text-anchor'] ?? ''] ?? 0;
  const turned = /translate\(([\d.-]+) ([\d.-]+)\) rotate\(-90\)/.exec(text.attributes.transform ?? '');
  if (turned !== null) {
    const [x, y] = [Number(turned[1]), Number(turned[2])];
    return {
      what: text.text,
      box: { left: x - 0.74 * size, right: x + 0.2 * size, top: y - length / 2, bottom: y + length / 2 },
    };
  }
  const left = numberOf(text, 'x') - share * length;
  const y = numberOf(text, 'y');
  return {
    what: text.text,
    box: { left, right: left + length, top: y - 0.72 * size, bottom: y + 0.18 * size },
  };
}

/** Labels in plotly's small HTML (`<b>`, `<br>`, entities) as SVG text. */
import { textWidth } from '../text.ts';
import { type Attributes, element, escapeMarkup } from './markup.ts';

const LINE = 1.35;

/** Lines of a label, each with its weight. Other tags are left out, their content stays. */
export function labelLines(text: string): { text: string; bold: boolean }[] {
  return text.split(/<br\s*\/?>/i).map((line) => ({
    bold: /<b>/i.test(line),
    text: line
      .replace(/<\/?[a-z]+[^>]*>/gi, '')
      .replace(/&lt;/g, '<')
      .replace(/&gt;/g, '>')
      .replace(/&amp;/g, '&'),
  }));
}

/** Width of the widest line and height of all lines, in px. */
export function labelSize(text: string, size: number): { width: number; height: number } {
  const lines = labelLines(text);
  const widths = lines.map((line) => textWidth(line.text, size, line.bold ? 'bold' : 'normal'));
  return { width: Math.max(...widths), height: lines.length * size * LINE };
}

/** Draws a label whose block of lines starts at `top`. */
export function drawLabel(
  text: string,
  x: number,
  top: number,
  size: number,
  colour: string,
  anchor: 'start' | 'middle' | 'end' = 'start',
  attributes: Attributes = {},
): string {
  return labelLines(text)
    .map((line, i) =>
      element(
        'text',
        {
          x,
          y: top + i * size * LINE + size * 1.02,
          'font-size': size,
          'font-weight': line.bold ? 'bold' : undefined,
          'text-anchor': anchor === 'start' ? undefined : anchor,
          fill: colour,
          ...attributes,
        },
        escapeMarkup(line.text),
      ),
    )
    .join('\n');
}

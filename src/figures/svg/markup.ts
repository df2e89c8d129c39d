/** SVG as text: elements, escaping, and numbers rounded so that the bytes are the same on every machine. */

/** Attribute values; undefined ones are left out. */
export type Attributes = Record<string, string | number | undefined>;

/** Escapes text for HTML and XML, content and quoted attributes alike. */
export function escapeMarkup(text: string): string {
  return text
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')
    .replace(/'/g, '&#39;')
    .replace(FORBIDDEN, '\ufffd');
}

/** Characters that XML 1.0 does not allow even when escaped; one of them would make the file unreadable. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what it is for
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu;

/** A number with at most two decimals (a hundredth of a pixel), never `-0`. */
export function px(value: number): string {
  const rounded = Math.round(value * 100) / 100;
  return String(rounded === 0 ? 0 : rounded);
}

/** One element; children are markup already. */
export function element(name: string, attributes: Attributes, ...children: string[]): string {
  const text = Object.entries(attributes)
    .filter((entry): entry is [string, string | number] => entry[1] !== undefined)
    .map(([key, value]) => ` ${key}="${typeof value === 'number' ? px(value) : escapeMarkup(value)}"`)
    .join('');
  return children.length === 0 ? `<${name}${text}/>` : `<${name}${text}>${children.join('')}</${name}>`;
}

/** A group; empty groups vanish. */
export function group(attributes: Attributes, children: readonly string[]): string {
  return children.length === 0 ? '' : element('g', attributes, `\n${children.join('\n')}\n`);
}

/**
 * A whole document of `width`×`height` px on an explicit white background, so that it reads on dark pages.
 * `title` and `description` are for screen readers and hovering.
 */
export function svgDocument(
  width: number,
  height: number,
  font: string,
  title: string,
  children: readonly string[],
): string {
  const open = `<svg xmlns="http://www.w3.org/2000/svg" width="${px(width)}" height="${px(height)}" viewBox="0 0 ${px(width)} ${px(height)}" font-family="${escapeMarkup(font)}" role="img">`;
  return [
    open,
    element('title', {}, escapeMarkup(title)),
    element('rect', { class: 'background', x: 0, y: 0, width, height, fill: '#ffffff' }),
    ...children.filter((child) => child !== ''),
    '</svg>\n',
  ].join('\n');
}

/** `data:` address of an SVG for an `<img>`: no sanitiser of a notebook page removes its content. */
export function svgDataUri(svg: string): string {
  return `data:image/svg+xml;base64,${Buffer.from(svg, 'utf8').toString('base64')}`;
}

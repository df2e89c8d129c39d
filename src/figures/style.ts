/**
 * One look for all figures: fonts, sizes, colours. Colours are Okabe and Ito's palette, which readers with any
 * of the common colour-vision deficiencies can tell apart; colour is never the only mark of a meaning.
 */

/** Metric-compatible fonts first (text is measured with their widths, see text.ts). */
export const FONT = "Helvetica, Arial, 'Liberation Sans', 'Nimbus Sans', sans-serif";

/** Text sizes in px at 96 px to the inch: 12 px prints as 9 pt. */
export const SIZE = { title: 15, axis: 12.5, tick: 11.5, caption: 11.5, node: 11, small: 10.5 } as const;

export const INK = {
  text: '#222222',
  soft: '#5f6368',
  axis: '#444444',
  grid: '#e6e6e6',
  paper: '#ffffff',
} as const;

/** Okabe–Ito without yellow (too light for lines on white), most distinct first. */
export const PALETTE = ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#000000'] as const;

/** Marker shapes that go with {@link PALETTE}, so that lines differ in black and white too. */
export const SYMBOLS = ['circle', 'square', 'diamond', 'triangle-up', 'triangle-down', 'cross', 'x'] as const;

/** Line styles that go with {@link PALETTE} where lines have no markers. */
export const DASHES = ['solid', 'dash', 'dot'] as const;

/** Stops of viridis from dark to light, cut before its yellow end, for ordered series (k, op). */
const SEQUENCE = ['#440154', '#46327e', '#365c8d', '#277f8e', '#1fa187', '#4ac16d'] as const;

/**
 * Colours for `count` series: distinct ones when they are few, an ordered ramp when they are many or when
 * the order means something.
 */
export function seriesColours(count: number, ordered = false): string[] {
  if (!ordered && count <= PALETTE.length) return PALETTE.slice(0, count);
  if (count === 1) return [PALETTE[0]];
  return Array.from({ length: count }, (_, i) => ramp(i / (count - 1)));
}

/** Stops of plotly for values from low to high: the ramp of ordered series. */
export function sequentialScale(): [number, string][] {
  return SEQUENCE.map((colour, i) => [i / (SEQUENCE.length - 1), colour]);
}

/** Colour at `share` (kept within [0, 1]) of a scale of stops. */
export function scaleColour(stops: readonly (readonly [number, string])[], share: number): string {
  const at = Math.min(1, Math.max(0, share));
  const next = stops.findIndex(([stop]) => stop >= at);
  if (next <= 0) return stops[Math.max(0, next)]![1];
  const [low, first] = stops[next - 1]!;
  const [high, second] = stops[next]!;
  return mix(first, second, (at - low) / (high - low));
}

/** Black or white, whichever reads better on a `#rrggbb` ground (WCAG relative luminance). */
export function inkOn(ground: string): string {
  const [r, g, b] = channels(ground).map((value) => {
    const share = value / 255;
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? '#000000' : '#ffffff';
}

/** Colour at `at` in [0, 1] of the ordered ramp. */
function ramp(at: number): string {
  const place = at * (SEQUENCE.length - 1);
  const low = Math.min(Math.floor(place), SEQUENCE.length - 2);
  return mix(SEQUENCE[low]!, SEQUENCE[low + 1]!, place - low);
}

/** Colour between two `#rrggbb` colours, `share` of the second. */
export function mix(first: string, second: string, share: number): string {
  const a = channels(first);
  const b = channels(second);
  return `#${a.map((value, i) => hex(Math.round(value + (b[i]! - value) * share))).join('')}`;
}

/** `rgba()` of a `#rrggbb` colour, as plotly wants transparent fills. */
export function translucent(colour: string, opacity: number): string {
  return `rgba(${channels(colour).join(',')},${opacity})`;
}

function channels(colour: string): number[] {
  return [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
}

function hex(value: number): string {
  return value.toString(16).padStart(2, '0');
}

/** What the HTML of this folder has in common: its look and its escaping. */
export { escapeMarkup as escapeHtml } from '../figures/svg/markup.ts';

/** Dark on white by itself, since a notebook's theme may be either. */
export const PAPER =
  'background:#ffffff;color:#222222;font-family:Helvetica,Arial,sans-serif;font-size:13px;line-height:1.5;padding:10px 12px';

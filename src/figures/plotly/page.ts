/** A figure as one HTML file that needs nothing else. */
import { escapeMarkup } from '../svg/markup.ts';
import { figureHtml, type PlotlySpec } from './bundle.ts';
import { plotlyScript } from './library.ts';

/** The page: plotly, the interactive figure, and the still picture for browsers without scripts. */
export function standalonePage(spec: PlotlySpec, title: string, fallback: string): string {
  return `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>${escapeMarkup(title)}</title></head>
<body style="margin:0;background:#ffffff">
${figureHtml(spec, { title, fallback, id: 'figure' })}
${plotlyScript()}
</body>
</html>
`;
}

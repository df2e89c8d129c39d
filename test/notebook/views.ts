/** What a displayed object gives a notebook. */
export function shown(value: object): { html: string; text: string } {
  const method = (value as Record<symbol, unknown>)[Symbol.for('Jupyter.display')];
  const bundle = (method as () => Record<string, string>).call(value);
  return { html: bundle['text/html']!, text: bundle['text/plain']! };
}

/** The little YAML that the exports need: nested maps, lists and scalars, readable by YAML 1.1 parsers (PyYAML). */

export type Yaml = string | number | boolean | null | readonly Yaml[] | { readonly [key: string]: Yaml };

/** Words that a YAML 1.1 parser takes for something else than text. */
const RESERVED = /^(?:y|n|yes|no|on|off|true|false|null|~)$/i;

/** A map as a YAML document; lines of `comment` come first. */
export function formatYaml(value: { readonly [key: string]: Yaml }, comment: readonly string[] = []): string {
  const head = comment.map((line) => `# ${line}`.trimEnd());
  return `${[...head, ...lines(value)].join('\n')}\n`;
}

function lines(value: { readonly [key: string]: Yaml }): string[] {
  return Object.entries(value).flatMap(([key, item]) => {
    if (Array.isArray(item)) return [`${scalar(key)}:`, ...item.map((entry) => `  - ${scalar(entry)}`)];
    if (typeof item === 'object' && item !== null) {
      const inner = lines(item as { readonly [key: string]: Yaml });
      return [`${scalar(key)}:`, ...inner.map((line) => `  ${line}`)];
    }
    return [`${scalar(key)}: ${scalar(item)}`];
  });
}

function scalar(value: Yaml): string {
  if (typeof value === 'number') return numeral(value);
  if (typeof value !== 'string') return JSON.stringify(value);
  const plain = /^[A-Za-z_][\w./-]*$/.test(value) && !RESERVED.test(value);
  return plain ? value : JSON.stringify(value); // a JSON string is a YAML string
}

/** YAML 1.1 takes 1e-6 for text: a float needs its point and the sign of its exponent. */
function numeral(value: number): string {
  const text = String(value);
  const [mantissa, exponent] = text.split('e');
  if (exponent === undefined) return text;
  return `${mantissa!.includes('.') ? mantissa : `${mantissa}.0`}e${/^[+-]/.test(exponent) ? '' : '+'}${exponent}`;
}

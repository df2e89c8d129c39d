/** Captions are sentences made of what a figure knows. */

/** Joins parts as sentences, each with its full stop; leaves out what is undefined or empty. */
export function sentence(parts: readonly (string | undefined)[]): string {
  const given = parts.filter((part): part is string => part !== undefined && part !== '');
  return given.map((part) => `${part.replace(/\.$/, '')}.`).join(' ');
}

/** Presets of settings: what a preset names is laid under what the user gives. */

/**
 * The preset that the input's field `preset` names, with the input laid over it, field by field; what is no object, or
 * names no preset, is left to the schema.
 */
export function withPreset(
  input: unknown,
  presets: Readonly<Record<string, Record<string, unknown>>>,
  standard: string,
): unknown {
  if (!isRecord(input)) return input;
  const name = input.preset ?? standard;
  if (typeof name !== 'string' || !Object.hasOwn(presets, name)) return input;
  return overlay(presets[name]!, input);
}

/** `over` laid over `base`: records are merged, everything else is replaced. */
export function overlay(
  base: Record<string, unknown>,
  over: Record<string, unknown>,
): Record<string, unknown> {
  const result: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const under = result[key];
    if (value !== undefined) result[key] = isRecord(under) && isRecord(value) ? overlay(under, value) : value;
  }
  return result;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

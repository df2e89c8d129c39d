import { userError } from '../core/errors.ts';

/** What a type error does: the cell does not run; it is told on stderr; nothing is checked. */
export const TYPE_CHECK_MODES = ['error', 'warn', 'off'] as const;
export type TypeCheckMode = (typeof TYPE_CHECK_MODES)[number];

/** Environment variable that sets the mode; the parameter of the kernel comes first. */
export const TYPE_CHECK_VARIABLE = 'INTERPLAY_TYPE_CHECK';

/** `text` as a mode. @throws TYPE_CHECK_MODE */
export function typeCheckMode(text: string): TypeCheckMode {
  const mode = TYPE_CHECK_MODES.find((known) => known === text);
  if (mode === undefined) {
    throw userError('TYPE_CHECK_MODE', `one of ${TYPE_CHECK_MODES.join(', ')}`, text, 'choose one of them');
  }
  return mode;
}

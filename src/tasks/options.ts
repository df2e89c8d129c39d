/** The shape of a task source's options: what a caller misspells is refused, not ignored. */
import { z } from 'zod';
import { userError } from '../core/errors.ts';

/** Contents are checked where they are used; here it is names and types. */
const OPTIONS = z.strictObject({
  world: z.union([z.string(), z.looseObject({})]).optional(),
  contexts: z.array(z.union([z.string(), z.looseObject({})])).optional(),
  ops: z.union([z.string(), z.array(z.number())]).optional(),
  opWeights: z.record(z.string(), z.number()).optional(),
  modes: z.array(z.string()).optional(),
  depths: z.array(z.number()).optional(),
  mixture: z.looseObject({}).optional(),
  split: z.string().optional(),
  splits: z.record(z.string(), z.number()).optional(),
  identity: z
    .strictObject({
      values: z.boolean().optional(),
      query: z.boolean().optional(),
      context: z.boolean().optional(),
    })
    .optional(),
  heldOut: z
    .strictObject({ contexts: z.array(z.string()).optional(), depths: z.array(z.number()).optional() })
    .optional(),
  seed: z.number().optional(),
});

/** @throws TASK_OPTIONS */
export function checkOptions(options: object): void {
  const checked = OPTIONS.safeParse(options);
  if (checked.success) return;
  const { path, message } = checked.error.issues[0]!;
  const known = Object.keys(OPTIONS.shape).join(', ');
  const field = path.length === 0 ? `options of a task source (${known})` : `a valid ${path.join('.')}`;
  throw userError('TASK_OPTIONS', field, message, 'correct that option');
}

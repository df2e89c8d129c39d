import { require as requireEsm } from 'tsx/cjs/api';

let registered = false;

/**
 * Registers tfjs's gradients. tfjs-core's Node bundle leaves them out (only the 150 MB umbrella package has
 * them bundled) and its module files are not importable as they stand (no extensions, no `type`), hence tsx.
 * The second copy of tfjs's operations that comes along is harmless: engine and registries are global.
 */
export function registerGradients(): void {
  if (registered) return;
  requireEsm('@tensorflow/tfjs-core/dist/register_all_gradients.js', import.meta.url);
  // Some gradients call methods such as x.reshape(), which are registered apart, too.
  requireEsm('@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js', import.meta.url);
  registered = true;
}

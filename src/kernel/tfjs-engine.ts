/**
 * tfjs's engine after a cut. Cutting code off unwinds without tfjs leaving its scopes, its gradient tape and
 * its operations: every later gradient would fail ("Cannot find a connection between any variable and the
 * result of the loss function") and every later tensor would belong to a scope that never ends.
 *
 * The kernel must not load tfjs for everybody, so it reaches the engine where tfjs-core keeps it for all its
 * copies (`getOrMakeEngine` in tfjs-core/src/engine.ts, 4.x): on the global object.
 */
interface Tensor {
  kept: boolean;
  dispose(): void;
}

interface Scope {
  track: Tensor[];
}

/** `EngineState` of tfjs-core, as far as it follows the call stack. */
interface EngineState {
  /** Operations and gradients that are under way; both are left before their caller can await anything. */
  kernelDepth: number;
  gradientDepth: number;
  scopeStack: Scope[];
  activeScope?: Scope | null;
  /** What a gradient in the making has recorded; kept tensors that only the end of the gradient disposes. */
  activeTape?: { saved?: Tensor[] }[] | null | undefined;
  profiling: boolean;
}

interface Baseline {
  state: EngineState;
  scopes: number;
  tape: EngineState['activeTape'];
  profiling: boolean;
}

/** Brings the engine back to where a cell found it. All methods are for callbacks of the event loop. */
export class TfjsEngine {
  #baseline: Baseline | undefined;

  /** Notes what the user has open now: scopes of `tf.engine().startScope()`, a profile. */
  record(): void {
    const state = engineState();
    this.#baseline = state && {
      state,
      scopes: state.scopeStack.length,
      tape: state.activeTape,
      profiling: state.profiling,
    };
  }

  /**
   * After a cut: leaves all operations and gradients, and ends the scopes opened since `record`, disposing
   * their tensors except kept ones. What nothing refers to any more cannot be found: a tensor that was being
   * handed over, and what the operation under way had set aside for its gradient.
   * May be called again, and may be cut itself: what is done is done.
   */
  repair(): void {
    const state = engineState();
    if (state === undefined) return;
    // tf.engine().reset(), or tfjs loaded since: nothing was open at first.
    const found = this.#baseline?.state === state ? this.#baseline : undefined;
    state.kernelDepth = 0;
    state.gradientDepth = 0;
    state.profiling = found?.profiling ?? false;
    const tape = state.activeTape;
    if (tape !== found?.tape) {
      for (let node = tape?.pop(); node !== undefined; node = tape?.pop()) {
        for (const tensor of node.saved ?? []) tensor.dispose();
      }
      state.activeTape = found?.tape;
    }
    const { scopeStack } = state;
    while (scopeStack.length > (found?.scopes ?? 0)) {
      const { track } = scopeStack.at(-1)!;
      for (let tensor = track.pop(); tensor !== undefined; tensor = track.pop()) {
        if (!tensor.kept) tensor.dispose();
      }
      scopeStack.pop();
    }
    state.activeScope = scopeStack.at(-1) ?? null;
  }
}

/** Undefined when no cell has loaded tfjs, or one whose engine is built differently. */
function engineState(): EngineState | undefined {
  const { _tfengine: engine } = globalThis as { _tfengine?: { state?: Partial<EngineState> } };
  const state = engine?.state;
  const isKnown =
    typeof state?.kernelDepth === 'number' &&
    typeof state.gradientDepth === 'number' &&
    Array.isArray(state.scopeStack);
  return isKnown ? (state as EngineState) : undefined;
}

// The compiler that makes the WebAssembly files: clang 16 or later with the wasm32 target. Plain Node.
import { spawnSync } from 'node:child_process';

const FIRST = 16; // the first with the final encoding of relaxed SIMD
const LAST = 25;

/** Name of the compiler ($WASM_CXX, else the newest), or undefined when there is none. */
export function wasmCompiler() {
  const numbered = Array.from({ length: LAST - FIRST + 1 }, (_, i) => `clang++-${LAST - i}`);
  const candidates = process.env.WASM_CXX ? [process.env.WASM_CXX] : ['clang++', ...numbered];
  return candidates.find((name) => {
    const targets = spawnSync(name, ['--print-targets'], { encoding: 'utf8' });
    if (targets.status !== 0 || !targets.stdout.includes('wasm32')) return false;
    const { stdout } = spawnSync(name, ['--version'], { encoding: 'utf8' });
    return Number(/version (\d+)/.exec(stdout)?.[1]) >= FIRST;
  });
}

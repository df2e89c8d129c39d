/** Backends that work on this machine, for suites that run once per backend and skip what is absent. */
import {
  type BackendName,
  type InstructionSet,
  instructionSet,
  probeBackend,
  probeBackends,
  useBackend,
} from '../src/backend/index.ts';

/** The backends that suites of whole models run on. */
export const testedBackends = ['cpu', 'native', 'wasm'] as const;

export async function backendsHere(): Promise<string[]> {
  return (await probeBackends()).filter((probe) => probe.available).map((probe) => probe.name);
}

/** What kernel suites run on: each of our engines with each of its instruction sets. */
const variants: readonly { backend: 'native' | 'wasm'; set?: InstructionSet }[] = [
  { backend: 'native', set: 'portable' },
  { backend: 'native', set: 'avx2' },
  { backend: 'native', set: 'avx512' },
  { backend: 'wasm' },
];
let tested: BackendName = 'native';

/** The backend that the running kernel suite tests. */
export function testedBackend(): BackendName {
  return tested;
}

/** A suite per engine and instruction set; skipped, visibly, where one does not work. */
export function describeEngines(title: string, suite: () => void): void {
  for (const { backend, set } of variants) {
    describe(`${title} [${set === undefined ? backend : `${backend}, ${set}`}]`, () => {
      before(async function () {
        if (!(await backendsHere()).includes(backend)) this.skip();
        tested = backend;
        await useBackend(backend);
        if (set !== undefined && instructionSet(set) !== set) this.skip();
      });
      after(async () => {
        if (set === undefined || !(await backendsHere()).includes(backend)) return;
        await useBackend(backend);
        instructionSet('avx512');
      });
      suite();
    });
  }
}

/** A suite per backend; skipped, visibly, with the reason, where one does not work. */
export function describeBackends(
  title: string,
  backends: readonly BackendName[],
  suite: (backend: BackendName) => void,
): void {
  for (const backend of backends) {
    describe(`${title} [${backend}]`, function () {
      if (backend === 'webgpu') this.timeout(600_000); // a software driver compiles every kernel
      before(async function () {
        const { available, reason } = await probeBackend(backend);
        if (!available) {
          this.test!.title = `works here: ${reason}`;
          this.skip();
        }
        tested = backend;
        await useBackend(backend);
      });
      suite(backend);
    });
  }
}

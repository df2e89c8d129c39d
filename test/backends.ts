/** Backends that work on this machine, for suites that run once per backend and skip what is absent. */
import { probeBackends } from '../src/backend/index.ts';

export async function backendsHere(): Promise<string[]> {
  return (await probeBackends()).filter((probe) => probe.available).map((probe) => probe.name);
}

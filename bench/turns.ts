/** Contestants measured in turns, so that whatever changes about the machine meanwhile hits all of them. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { NoiseMeter } from './noise.ts';

/** Runs its share of a round and gives its measurements, usually seconds. */
export type Turn = () => readonly number[] | Promise<readonly number[]>;

/** Milliseconds until the threads of whoever was before have gone to sleep. */
const PAUSE = 20;

/**
 * `rounds` undisturbed rounds; in each every contestant has one turn, in the opposite order every other time. A
 * disturbed round is thrown away and repeated, but at most `repeats` times in all: then it counts as it is.
 *
 * @returns all measurements of each contestant, in their order
 */
export async function turns<Name extends string>(
  contestants: Readonly<Record<Name, Turn>>,
  rounds: number,
  noise: NoiseMeter,
  repeats = rounds,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(contestants) as Name[];
  const all = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, number[]>;
  let left = repeats;
  for (let round = 0; round < rounds; ) {
    const measured = new Map<Name, readonly number[]>();
    noise.start();
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      measured.set(name, await contestants[name]());
      await sleep(PAUSE);
    }
    if (noise.disturbed() && left > 0) {
      left--;
      noise.count.repeated++;
      continue;
    }
    for (const [name, values] of measured) all[name].push(...values);
    round++;
  }
  return all;
}

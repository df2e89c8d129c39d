/**
 * Seconds of processor time that some work takes, the least of a few rounds: others use the machine too, and what they
 * do adds to it.
 */
export function leastProcessorTime(work: () => unknown, rounds: number): number {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1e6);
  }
  return least;
}

/** The most resident bytes of this process so far. */
import { readFileSync } from 'node:fs';

/** getrusage would count the parent's memory, from before exec; /proc does not. */
export function peakResidentBytes(): number {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS * 1024;
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))![1]) * 1024;
}

// Entry of the kernel's worker threads: Node 20 does not pass module hooks on to workers, so each registers
// the TypeScript loader itself before it imports its real entry.
import { workerData } from 'node:worker_threads';
import { register } from 'tsx/esm/api';

register();
await import(workerData.entry);

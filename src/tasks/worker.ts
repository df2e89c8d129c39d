/** A thread that makes chunks of a task stream for write.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { createTaskSource } from './source.ts';
import { makeChunk, type WorkerSettings } from './write.ts';

const { source: options, parquet } = workerData as WorkerSettings;
const source = createTaskSource(options);

parentPort!.on('message', ([chunk, start, count]: [number, number, number]) => {
  parentPort!.postMessage([chunk, makeChunk(source, start, count, parquet)]);
});

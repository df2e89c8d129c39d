/** A thread that makes chunks of a task stream for chunks.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { InterplayError } from '../core/errors.ts';
import { type ChunkSettings, createChunkMaker, transferList } from './chunk.ts';
import type { ChunkReply, ChunkRequest } from './chunks.ts';

const maker = createChunkMaker(workerData as ChunkSettings);

parentPort!.on('message', async ({ chunk, start, count }: ChunkRequest) => {
  try {
    const content = (await maker)(start, count);
    const reply: ChunkReply = { chunk, content };
    parentPort!.postMessage(reply, transferList(content));
  } catch (error) {
    if (!(error instanceof InterplayError)) throw error;
    const { code, expected, got, remedy } = error;
    const reply: ChunkReply = { chunk, error: { code, expected, got, remedy } };
    parentPort!.postMessage(reply);
  }
});

/** An evaluation whose rows are larger than the memory it may have; see memory.test.ts. Arguments: folder, samples. */
import { evaluate, type ResponseSource } from '../../src/evaluate/index.ts';
import { responseText } from '../../src/tasks/index.ts';
import { microTasks } from './tasks.ts';

const [out, samples] = [process.argv[2]!, Number(process.argv[3])];
/** 24 KiB behind the answer, where the verifier does not read. */
const ballast = ` ${'padding '.repeat(3072)}`;

const source: ResponseSource = {
  identity: 'large',
  facts: {},
  relevant: ({ samples, seed }) => ({ samples, seed }),
  *responses(requests, settings) {
    // From the last task to the first: the file has to be put into order.
    for (let request = requests.length - 1; request >= 0; request--) {
      const right = responseText(requests[request]!.task);
      const responses = Array.from({ length: settings.samples }, (_, i) => ({
        sample_index: i,
        response: (i % 4 === 0 ? right : 'no idea </answer>') + ballast + i,
        tokens: 1,
        stop_reason: 'stop' as const,
      }));
      yield { request, responses };
    }
  },
};

for (const rescore of [false, false, true]) {
  const { metrics } = await evaluate(source, microTasks(100), { out, samples, k: [1], rescore });
  process.stdout.write(`${metrics!.overall.samples} ${metrics!.overall.verified.value}\n`);
}

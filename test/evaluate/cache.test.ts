import assert from 'node:assert/strict';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useBackend } from '../../src/backend/index.ts';
import { runCancellable } from '../../src/core/cancellation.ts';
import { cacheSize, type EvaluateOptions, evaluate, type ResponseSource } from '../../src/evaluate/index.ts';
import { modelSource } from '../../src/evaluate/sources/model.ts';
import { disposeQwen2, type LoadedModel } from '../../src/model/index.ts';
import { bytesOf, microTasks, tinyLoaded } from './tasks.ts';

describe('evaluation cache', () => {
  let folder: string;
  let loaded: LoadedModel;
  let made = 0;
  const tasks = microTasks(5);
  const at = (name: string) => join(folder, name);

  before(async () => {
    await useBackend('auto');
    loaded = tinyLoaded(tasks);
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'interplay-cache-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  after(() => {
    if (loaded) disposeQwen2(loaded.model);
  });

  /** The sampler, which notes what it is asked for: task and sample. */
  const counting = (): { source: ResponseSource; asked: string[] } => {
    const source = modelSource(loaded);
    const asked: string[] = [];
    const responses: ResponseSource['responses'] = (requests, settings) => {
      for (const { id, first } of requests) {
        for (let i = first; i < settings.samples; i++) asked.push(`${id} ${i}`);
      }
      return source.responses(requests, settings);
    };
    return { source: { ...source, responses }, asked };
  };
  const run = async (options: Partial<EvaluateOptions> = {}, some = tasks, cache = true) => {
    const { source, asked } = counting();
    const out = at(`out-${made++}`);
    const evaluation = await evaluate(source, some, {
      out,
      samples: 3,
      k: [1],
      temperature: 1,
      maxTokens: 6,
      seed: 5,
      ...(cache ? { cache: at('cache') } : {}),
      ...options,
    });
    return { ...evaluation, asked, bytes: evaluation.finished ? bytesOf(out) : '' };
  };
  const entries = () =>
    readdirSync(at('cache'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.jsonl'))
      .map((name) => join(at('cache'), name))
      .sort();

  it('samples nothing twice, in another folder, and the bytes are those without a cache', async () => {
    const plain = await run({}, tasks, false);
    const first = await run();
    assert.equal(first.asked.length, 15);
    assert.deepEqual([first.sampled, first.cache!.samples], [15, 0]);
    const second = await run();
    assert.deepEqual(second.asked, []);
    assert.deepEqual([second.sampled, second.cache!.samples], [0, 15]);
    assert.equal(first.bytes, plain.bytes);
    assert.equal(second.bytes, plain.bytes);
    assert.equal(plain.cache, undefined);
    const bytes = entries().reduce((sum, path) => sum + statSync(path).size, 0);
    assert.deepEqual(cacheSize(at('cache')), { entries: 5, bytes });
    assert.deepEqual([second.cache!.entries, second.cache!.bytes], [5, bytes]);
  });

  it('samples only what is new of more tasks and more samples; fewer take the first', async () => {
    await run({}, tasks.slice(0, 2));
    const more = await run();
    assert.equal(more.asked.length, 9);
    const deeper = await run({ samples: 5 });
    assert.deepEqual(
      deeper.asked,
      tasks.flatMap(({ id }) => [`${id} 3`, `${id} 4`]),
    );
    assert.deepEqual([deeper.sampled, deeper.cache!.samples], [10, 15]);
    assert.equal(deeper.bytes, (await run({ samples: 5 }, tasks, false)).bytes);
    const fewer = await run({ samples: 2 });
    assert.deepEqual(fewer.asked, []);
    assert.equal(fewer.bytes, (await run({ samples: 2 }, tasks, false)).bytes);
    // The longer entries stay.
    assert.deepEqual((await run({ samples: 5 })).asked, []);
  });

  it('tells settings, models and problems apart, and takes what does not matter for what it is', async () => {
    await run();
    for (const other of [
      { temperature: 0.9 },
      { topP: 0.9 },
      { topK: 3 },
      { maxTokens: 7 },
      { seed: 6 },
      { stop: ['x'] },
    ]) {
      assert.equal((await run(other)).asked.length, 15, JSON.stringify(other));
    }
    assert.equal((await run({ slots: 1, k: [3] })).asked.length, 0);
    const changed = [{ ...tasks[0]!, question: 'How many?' }, ...tasks.slice(1)];
    assert.deepEqual(
      (await run({}, changed)).asked,
      [0, 1, 2].map((i) => `${tasks[0]!.id} ${i}`),
    );
    const { source } = counting();
    const other = { ...source, cacheIdentity: { model: 'other' } };
    const { sampled } = await evaluate(other, tasks, {
      out: at('m'),
      samples: 1,
      maxTokens: 6,
      cache: at('cache'),
    });
    assert.equal(sampled, 5);
  });

  it('samples again what is damaged: cut, changed or of another key', async () => {
    const { bytes } = await run();
    const [cut, changed, swapped, empty] = entries() as [string, string, string, string];
    truncateSync(cut, statSync(cut).size - 9);
    writeFileSync(changed, readFileSync(changed, 'utf8').replace('"tokens":6', '"tokens":5'));
    writeFileSync(swapped, readFileSync(entries()[4]!, 'utf8'));
    writeFileSync(empty, '');
    const again = await run();
    assert.equal(again.asked.length, 12);
    assert.equal(again.cache!.damaged, 4);
    assert.equal(again.bytes, bytes);
    assert.equal((await run()).asked.length, 0);
  });

  it('keeps what a stopped run had', async () => {
    const stop = new AbortController();
    const cut = await runCancellable(stop.signal, () =>
      run({ slots: 3, progress: ({ done }) => done === 2 && stop.abort() }),
    );
    assert.equal(cut.finished, false);
    assert.deepEqual((await run()).asked.length, 9);
  });
});

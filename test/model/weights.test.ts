/** Sharded weights: what transformers writes and reads, and folders that lie. */
import assert from 'node:assert/strict';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { useBackend } from '../../src/backend/index.ts';
import {
  createQwen2,
  disposeQwen2,
  loadModel,
  type Qwen2,
  readSafetensors,
  resolveModelConfig,
  saveModel,
  writeSafetensors,
} from '../../src/model/index.ts';
import { readWeights } from '../../src/model/weights.ts';
import { type Tokenizer, trainTokenizer } from '../../src/tokenizer/index.ts';

const INDEX = 'model.safetensors.index.json';
const shape = { num_hidden_layers: 2, hidden_size: 16, intermediate_size: 24, vocab_size: 300 };
const floats = (...values: number[]) => ({ shape: [values.length], data: new Float32Array(values) });

describe('sharded weights', () => {
  let folder: string;
  let model: Qwen2;
  let tokenizer: Tokenizer;
  before(async () => {
    await useBackend('cpu');
    model = createQwen2(resolveModelConfig(shape), 1);
    tokenizer = trainTokenizer(['a tokenizer'], { vocabularySize: 266 });
  });
  after(() => disposeQwen2(model));
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'interplay-shards-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const weightFiles = () => readdirSync(folder).filter((name) => name.startsWith('model'));

  it('are cut at whole tensors, named as transformers names them, and open as the same model', () => {
    saveModel(folder, model, tokenizer);
    const whole = loadModel(folder);
    assert.deepEqual(weightFiles(), ['model.safetensors']);

    saveModel(folder, model, tokenizer, { shardBytes: 20_000 });
    assert.deepEqual(weightFiles(), [
      'model-00001-of-00002.safetensors',
      'model-00002-of-00002.safetensors',
      INDEX,
    ]);
    const index = JSON.parse(readFileSync(join(folder, INDEX), 'utf8'));
    assert.deepEqual(Object.keys(index.weight_map).sort(), [...model.parameters.keys()].sort());
    assert.equal(index.weight_map['model.embed_tokens.weight'], 'model-00001-of-00002.safetensors');
    const bytes = [...model.parameters.values()].reduce((sum, { size }) => sum + 4 * size, 0);
    assert.equal(index.metadata.total_size, bytes);
    const cut = loadModel(folder);
    assert.equal(cut.hash, whole.hash, 'the same model, whatever its files');

    saveModel(folder, model, tokenizer, { shardBytes: 1 });
    assert.equal(weightFiles().length, model.parameters.size + 1, 'a tensor is never cut');
    saveModel(folder, model, tokenizer);
    assert.deepEqual(weightFiles(), ['model.safetensors'], 'shards that no longer count are gone');
    for (const { model: loaded } of [whole, cut]) disposeQwen2(loaded);
  });

  it('of transformers have the values of its single file', () => {
    const source = fileURLToPath(new URL('../fixtures/qwen2/sharded/', import.meta.url));
    const names = readdirSync(source).filter((name) => /^model.*safetensors/.test(name));
    assert.ok(names.length > 2, 'several shards and an index');
    const reference = readSafetensors(join(source, '../untied/model.safetensors'));
    const shapes = new Map([...reference].map(([name, tensor]) => [name, tensor.shape]));
    const read = readWeights(source, shapes);
    for (const [name, values] of read) assert.deepEqual(values, reference.get(name)!.data, name);
  });

  describe('hostile folders', () => {
    const shapes = new Map([
      ['a', [2]],
      ['b', [1]],
    ]);
    const put = (weightMap: unknown) =>
      writeFileSync(join(folder, INDEX), JSON.stringify({ metadata: {}, weight_map: weightMap }));
    const refused = (code: string, message: RegExp) =>
      assert.throws(() => readWeights(folder, shapes), { code, message });
    beforeEach(() => {
      writeSafetensors(join(folder, 'x.safetensors'), [['a', floats(1, 2)]]);
      writeSafetensors(join(folder, 'y.safetensors'), [['b', floats(3)]]);
    });

    it('a good one is read, in the order of the shapes', () => {
      put({ b: 'y.safetensors', a: 'x.safetensors' });
      assert.deepEqual(
        [...readWeights(folder, shapes)],
        [
          ['a', new Float32Array([1, 2])],
          ['b', new Float32Array([3])],
        ],
      );
    });

    it('an index that leaves its folder opens nothing', () => {
      const outside = join(folder, 'outside');
      mkdirSync(outside);
      copyFileSync(join(folder, 'x.safetensors'), join(outside, 'x.safetensors'));
      for (const file of [
        'outside/x.safetensors',
        '../x.safetensors',
        join(outside, 'x.safetensors'),
        'outside\\x.safetensors',
        'C:x.safetensors',
        'x.safetensors\0',
        '.safetensors/../x.safetensors',
        'x.bin',
        '',
        7,
        null,
      ]) {
        put({ a: file, b: 'y.safetensors' });
        refused('MODEL_SHARDS', /for a the name of a \.safetensors file beside it/);
      }
    });

    it('shards that do not agree with the index', () => {
      put({ a: 'x.safetensors' });
      refused('MODEL_PARAMETER', /parameter b/);
      put({ a: 'x.safetensors', b: 'x.safetensors' });
      refused('MODEL_SHARDS', /b in x\.safetensors/);
      put({ a: 'x.safetensors', b: 'z.safetensors' });
      refused('INPUT_UNREADABLE', /z\.safetensors/);
      writeSafetensors(join(folder, 'y.safetensors'), [
        ['a', floats(8, 9)],
        ['b', floats(3)],
      ]);
      put({ a: 'x.safetensors', b: 'y.safetensors' });
      refused('MODEL_SHARDS', /a in y\.safetensors as well/);
    });

    it('an index that is none, or says a name twice', () => {
      for (const map of [undefined, null, [], 'x.safetensors']) {
        put(map);
        refused('MODEL_SHARDS', /weight_map/);
      }
      writeFileSync(join(folder, INDEX), 'null');
      refused('MODEL_SHARDS', /weight_map/);
      writeFileSync(join(folder, INDEX), '{"weight_map": {"a":');
      refused('JSON_FILE', /index of a sharded model/);
      writeFileSync(join(folder, INDEX), '{"weight_map":{"a":"x.safetensors","a":"y.safetensors"}}');
      refused('MODEL_SHARDS', /"a" twice/);
    });

    it('tensors of another shape or kind than config.json says', () => {
      put({ a: 'x.safetensors', b: 'y.safetensors' });
      writeSafetensors(join(folder, 'y.safetensors'), [['b', floats(3, 4)]]);
      refused('MODEL_PARAMETER', /b as floats \[1\]/);
      writeSafetensors(join(folder, 'y.safetensors'), [['b', { shape: [1], data: new Int32Array(1) }]]);
      refused('MODEL_PARAMETER', /I32/);
      writeFileSync(join(folder, 'y.safetensors'), 'cut');
      refused('SAFETENSORS', /y\.safetensors/);
    });

    it('neither weights nor an index', () => {
      saveModel(folder, model, tokenizer);
      rmSync(join(folder, 'model.safetensors'));
      assert.ok(!existsSync(join(folder, INDEX)));
      assert.throws(() => loadModel(folder), { code: 'MODEL_FOLDER', message: /without model\.safetensors/ });
    });
  });
});

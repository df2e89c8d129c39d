/** Exports for transformers, and folders from there. scripts/check-exports.py opens them in transformers itself. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeChatModel } from '../../src/export/huggingface.ts';
import { exportHuggingFace, importHuggingFace } from '../../src/export/index.ts';
import { disposeQwen2, loadModel, readSafetensors } from '../../src/model/index.ts';
import { openTokenizer, Tokenizer } from '../../src/tokenizer/index.ts';
import { type TinyRun, tinyRun } from './run.ts';

const json = (...path: string[]) => JSON.parse(readFileSync(join(...path), 'utf8'));

describe('export for transformers', () => {
  let run: TinyRun;
  before(async () => {
    run = await tinyRun();
  });
  after(() => run.remove());
  const hashOf = (folder: string) => {
    const { model, hash } = loadModel(folder);
    disposeQwen2(model);
    return hash;
  };

  it('has every file, the same model, and comes back', () => {
    const out = join(run.folder, 'hf');
    const { model, hash } = exportHuggingFace(run.checkpoint, out, { shardBytes: 20_000 });
    disposeQwen2(model);
    assert.deepEqual(readdirSync(out).sort(), [
      'config.json',
      'generation_config.json',
      'model-00001-of-00002.safetensors',
      'model-00002-of-00002.safetensors',
      'model.safetensors.index.json',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    assert.equal(hash, hashOf(run.checkpoint));
    assert.equal(hashOf(out), hash, 'fields for other software change nothing');
    const config = json(out, 'config.json');
    assert.deepEqual(
      [config.architectures, config.model_type, config.sliding_window, config.max_window_layers],
      [['Qwen2ForCausalLM'], 'qwen2', null, 2],
    );
    assert.deepEqual(json(out, 'generation_config.json'), {
      bos_token_id: 2,
      eos_token_id: 3,
      pad_token_id: 1,
    });

    const back = importHuggingFace(out, join(run.folder, 'back'));
    disposeQwen2(back.model);
    assert.deepEqual([back.hash, back.droppedTokens], [hash, []]);
    assert.equal(hashOf(back.out), hash);
    assert.ok(readdirSync(back.out).includes('model.safetensors'));
  });

  it('replaces nothing', () => {
    const out = join(run.folder, 'used');
    mkdirSync(out);
    writeFileSync(join(out, 'precious.txt'), 'x');
    for (const write of [exportHuggingFace, importHuggingFace]) {
      assert.throws(() => write(run.checkpoint, out), { code: 'EXPORT_EXISTS', message: /used/ });
    }
    assert.deepEqual(readdirSync(out), ['precious.txt']);
  });

  it('leaves nothing half-written when the model is broken', () => {
    const broken = join(run.folder, 'broken');
    mkdirSync(broken);
    const out = join(run.folder, 'never');
    assert.throws(() => importHuggingFace(broken, out), { code: 'MODEL_FOLDER' });
    assert.ok(!readdirSync(run.folder).some((name) => name.startsWith('never')));
  });

  it('imports weights of 16 bits, values exact', () => {
    const source = join(run.folder, 'half');
    disposeQwen2(exportHuggingFace(run.checkpoint, source).model);
    const file = join(source, 'model.safetensors');
    const bits = new Map<string, Uint16Array>();
    for (const [name, { data }] of readSafetensors(file)) {
      bits.set(
        name,
        Uint16Array.from(new Uint32Array(data.buffer, data.byteOffset, data.length), (x) => x >>> 16),
      );
    }
    const header: Record<string, object> = {};
    let offset = 0;
    for (const [name, { shape }] of readSafetensors(file)) {
      const end = offset + bits.get(name)!.byteLength;
      header[name] = { dtype: 'BF16', shape, data_offsets: [offset, end] };
      offset = end;
    }
    const text = Buffer.from(JSON.stringify(header));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.length));
    writeFileSync(
      file,
      Buffer.concat([length, text, ...[...bits.values()].map((x) => new Uint8Array(x.buffer))]),
    );

    const { out, model } = importHuggingFace(source, join(run.folder, 'single'));
    disposeQwen2(model);
    for (const [name, { dtype, data }] of readSafetensors(join(out, 'model.safetensors'))) {
      assert.equal(dtype, 'F32');
      const read = new Uint32Array(data.buffer, data.byteOffset, data.length);
      assert.deepEqual(
        read,
        Uint32Array.from(bits.get(name)!, (x) => x << 16),
        name,
      );
    }
  });

  it("imports the reference's release: an added token without a row in the model is left out", () => {
    const source = join(run.folder, 'release');
    disposeQwen2(exportHuggingFace(run.checkpoint, source).model);
    const tokenizer = openTokenizer(source);
    const id = tokenizer.vocabularySize;
    const { parts } = tokenizer;
    new Tokenizer({
      ...parts,
      tokens: [...parts.tokens, '<special_token_4>'],
      added: [...parts.added, { id, content: '<special_token_4>', special: true }],
    }).save(join(source, 'tokenizer.json'));
    assert.throws(() => loadModel(source), { code: 'VOCABULARY_SIZE' });
    const { model, droppedTokens, out } = importHuggingFace(source, join(run.folder, 'trimmed'));
    disposeQwen2(model);
    assert.deepEqual(droppedTokens, ['<special_token_4>']);
    assert.deepEqual(openTokenizer(out).toJson(), openTokenizer(run.checkpoint).toJson());
  });

  it('keeps tags in decoded text for engines that drop special tokens; ids stay', () => {
    const loaded = loadModel(run.checkpoint);
    const out = join(run.folder, 'chat');
    mkdirSync(out);
    writeChatModel(out, loaded);
    disposeQwen2(loaded.model);
    const chat = openTokenizer(out);
    const text = '<question> a </question> <solution> b </solution> <answer> 5 </answer>[EOS]';
    const ids = loaded.tokenizer.encode(text);
    assert.deepEqual(chat.encode(text), ids);
    assert.equal(chat.decode(ids, { skipSpecialTokens: true }), text.replace('[EOS]', ''));
    const settings = json(out, 'tokenizer_config.json');
    assert.equal(settings.eos_token, '[EOS]');
    assert.match(settings.chat_template, /message\['content'\]/);
  });
});

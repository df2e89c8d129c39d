import assert from 'node:assert/strict';
import fc from 'fast-check';
import { InterplayError } from '../../src/core/errors.ts';
import { PATTERNS, Tokenizer, tokenizerConfigJson, trainTokenizer } from '../../src/tokenizer/index.ts';
import { corpus } from './corpus.ts';

// biome-ignore lint/suspicious/noExplicitAny: hostile files are made by changing any field
type Json = any;

const tokenizer = trainTokenizer(corpus(100), { vocabularySize: 320 });
const text = tokenizer.toJson();

/** The file with one change. */
function changed(change: (file: Json) => void): string {
  const file = JSON.parse(text) as Json;
  change(file);
  return JSON.stringify(file);
}

const refused = (content: string, names: RegExp) =>
  assert.throws(
    () => Tokenizer.fromJson(content, 'some/tokenizer.json'),
    (error: InterplayError) => {
      assert.equal(error.code, 'TOKENIZER_FILE');
      assert.match(error.message, /some\/tokenizer\.json/);
      assert.match(error.message, names);
      return true;
    },
  );

describe('tokenizer.json', () => {
  it('has the form that Hugging Face reads', () => {
    const file = JSON.parse(text) as Json;
    assert.deepEqual(file.pre_tokenizer, {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: PATTERNS.digits }, behavior: 'Isolated', invert: false },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
      ],
    });
    assert.equal(file.added_tokens.length, 10);
    assert.equal(file.added_tokens[4].content, '<question>');
    assert.equal(file.added_tokens[4].special, true);
    assert.equal(Object.keys(file.model.vocab).length, 320);
    assert.equal(file.model.merges.length, 320 - 266);
  });

  it('reads the older merges, "left right", and the plain ByteLevel pre-tokenizer of GPT-2', () => {
    const older = changed((file) => {
      file.model.merges = file.model.merges.map((pair: string[]) => pair.join(' '));
      file.pre_tokenizer = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true };
      delete file.model.ignore_merges;
    });
    const read = Tokenizer.fromJson(older);
    assert.deepEqual(read.parts.merges, tokenizer.parts.merges);
    assert.equal(read.parts.pattern, PATTERNS.gpt2);
  });

  it('reads added tokens that stand outside model.vocab', () => {
    const more = changed((file) => {
      file.added_tokens.push({ id: 320, content: '<|im_end|>', special: true });
    });
    assert.deepEqual(Tokenizer.fromJson(more).encode('<|im_end|>[EOS]'), [320, 3]);
  });

  const cases: [string, (file: Json) => void, RegExp][] = [
    ['another model', (file) => (file.model.type = 'WordPiece'), /model\.type/],
    ['no model', (file) => delete file.model, /model/],
    ['a normalizer', (file) => (file.normalizer = { type: 'NFKC' }), /normalizer/],
    ['a template', (file) => (file.post_processor = { type: 'TemplateProcessing' }), /post_processor/],
    ['another decoder', (file) => (file.decoder = { type: 'WordPiece' }), /decoder/],
    [
      'a prefix space',
      (file) => (file.pre_tokenizer.pretokenizers[1].add_prefix_space = true),
      /add_prefix_space/,
    ],
    [
      'a second expression',
      (file) => (file.pre_tokenizer.pretokenizers[1].use_regex = true),
      /pre_tokenizer/,
    ],
    ['another split', (file) => (file.pre_tokenizer.pretokenizers[0].behavior = 'Removed'), /pre_tokenizer/],
    ['dropout', (file) => (file.model.dropout = 0.1), /model\.dropout/],
    ['ignored merges', (file) => (file.model.ignore_merges = true), /model\.ignore_merges/],
    ['a vocabulary with a gap', (file) => (file.model.vocab['!'] = 5000), /gaps/],
    ['two tokens of one id', (file) => (file.model.vocab['!'] = 11), /one token per id/],
    ['a negative id', (file) => (file.model.vocab['!'] = -1), /gaps/],
    ['a fractional id', (file) => (file.model.vocab['!'] = 10.5), /gaps/],
    ['a vocabulary that is a list', (file) => (file.model.vocab = []), /model\.vocab/],
    ['a token of other characters', (file) => (file.model.vocab.日 = 320), /byte-level/],
    ['merges missing', (file) => delete file.model.merges, /model\.merges/],
    ['a merge of three', (file) => (file.model.merges[3] = 'a b c'), /model\.merges\[3\]/],
    ['a merge without a result', (file) => (file.model.merges[3] = ['!', '~']), /model\.merges\[3\]/],
    ['a merge of numbers', (file) => (file.model.merges[3] = [1, 2]), /model\.merges\[3\]/],
    ['an added token twice', (file) => file.added_tokens.push(file.added_tokens[0]), /added_tokens\[10\]/],
    ['an empty added token', (file) => (file.added_tokens[0].content = ''), /added_tokens\[0\]/],
    [
      'an added token that eats spaces',
      (file) => (file.added_tokens[2].lstrip = true),
      /added_tokens\[2\]\.lstrip/,
    ],
    ['an added token of another id', (file) => (file.added_tokens[2].id = 77), /\[BOS\]/],
  ];
  for (const [name, change, names] of cases) it(`refuses ${name}`, () => refused(changed(change), names));

  it('refuses a vocabulary without one of the bytes', () => {
    const content = changed((file) => {
      file.model.vocab['!!'] = file.model.vocab['!'];
      delete file.model.vocab['!'];
    });
    refused(content, /each byte/);
  });

  it('refuses an expression that does not compile', () => {
    const content = changed((file) => (file.pre_tokenizer.pretokenizers[0].pattern.Regex = '(?<a'));
    assert.throws(() => Tokenizer.fromJson(content, 'some/tokenizer.json'), { code: 'PATTERN' });
  });

  it('refuses every file cut short', () => {
    for (let length = 0; length < text.trimEnd().length; length += 97) refused(text.slice(0, length), /JSON/);
  });

  it('answers any change of a value with a coded error or a working tokenizer, never a crash', () => {
    const paths: (string | number)[][] = [];
    const visit = (value: unknown, path: (string | number)[]) => {
      if (typeof value === 'object' && value !== null && path.length < 5) {
        for (const key of Object.keys(value)) visit((value as Json)[key], [...path, key]);
      }
      if (path.length > 0) paths.push(path);
    };
    visit(JSON.parse(text), []);
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.jsonValue({ maxDepth: 2 }), (path, value) => {
        const content = changed((file) => {
          let at = file;
          for (const key of path.slice(0, -1)) at = at[key];
          at[path.at(-1)!] = value;
        });
        try {
          const read = Tokenizer.fromJson(content);
          assert.equal(read.decode(read.encode('The number 12')), 'The number 12');
        } catch (error) {
          assert.ok(error instanceof InterplayError, String(error));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('tokenizer_config.json names a class that keeps the file, and the special tokens', () => {
    const config = JSON.parse(tokenizerConfigJson(tokenizer)) as Json;
    assert.equal(config.tokenizer_class, 'PreTrainedTokenizerFast');
    assert.equal(config.eos_token, '[EOS]');
    assert.equal(config.pad_token, '[PAD]');
  });
});

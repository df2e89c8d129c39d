import assert from 'node:assert/strict';
import { formatYaml } from '../../src/export/yaml.ts';

describe('yaml', () => {
  it('writes maps, lists and scalars that YAML 1.1 reads back', () => {
    const text = formatYaml(
      {
        rate: 1e-7,
        decay: 0.1,
        big: 1e21,
        beta: 2.5e-8,
        count: 10,
        flag: true,
        none: null,
        word: 'cosine_with_min_lr',
        on: 'no',
        path: 'data/train.jsonl',
        url: 'http://127.0.0.1:8765',
        number: '12',
        empty: '',
        defaults: ['ppo_trainer', '_self_'],
        inner: { deep: { n: 6 } },
      },
      ['two lines', ''],
    );
    assert.equal(
      text,
      `# two lines
#
rate: 1.0e-7
decay: 0.1
big: 1.0e+21
beta: 2.5e-8
count: 10
flag: true
none: null
word: cosine_with_min_lr
"on": "no"
path: data/train.jsonl
url: "http://127.0.0.1:8765"
number: "12"
empty: ""
defaults:
  - ppo_trainer
  - _self_
inner:
  deep:
    "n": 6
`,
    );
  });
});

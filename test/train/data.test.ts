import assert from 'node:assert/strict';
import { randomFamily } from '../../src/core/random.ts';
import { createTaskSource, type Mixture, trainingText } from '../../src/tasks/index.ts';
import { openTokenizer, PAPER_TOKENIZER, THINK_TAGS, trainTokenizer } from '../../src/tokenizer/index.ts';
import { parsePretrainConfig } from '../../src/train/config.ts';
import { openData } from '../../src/train/data.ts';
import type { DataConfig, Thinking } from '../../src/train/dataConfig.ts';
import { thinkingText } from '../../src/train/thinking.ts';
import { parseSolution, verify } from '../../src/verify/index.ts';

const dataOf = (data: object): DataConfig => parsePretrainConfig({ data }).data;

describe('data settings', () => {
  it('refuse fields that mean nothing beside others, by name', () => {
    for (const [data, field] of [
      [{ files: ['a'], ops: '2-4' }, 'data.ops: has no meaning beside files'],
      [{ shards: 'a', thinking: {} }, 'data.thinking: has no meaning beside shards'],
      [{ mixture: 'paper-pretrain', contexts: ['zoo'] }, 'data.contexts: has no meaning beside mixture'],
    ] as const) {
      assert.throws(() => dataOf(data), { code: 'CONFIG', message: new RegExp(field) });
    }
    assert.throws(() => parsePretrainConfig({ data: { shards: 'a' }, tokenizer: { vocabulary: 300 } }), {
      code: 'CONFIG',
    });
    assert.throws(() => parsePretrainConfig({ validation: { files: ['a'], data: {} } }), { code: 'CONFIG' });
  });

  it('take the tokenizer of the shards, and are the same when parsed again', () => {
    const config = parsePretrainConfig({ data: { shards: 'folder' } });
    assert.equal(config.tokenizer, 'folder');
    for (const data of [
      { shards: 'folder' },
      { mixture: 'paper-midtrain', identity: { context: true }, held_out: { depths: [3] }, thinking: {} },
    ]) {
      const once = parsePretrainConfig({ data });
      assert.deepEqual(parsePretrainConfig(once), once);
    }
  });
});

describe('mixtures by tokens', () => {
  const tokenizer = openTokenizer(PAPER_TOKENIZER);
  const mixture: Mixture = {
    components: [
      { weight: 0.7, contexts: ['zoo'], ops: { 2: 0.5, 12: 0.5 }, modes: ['forward', 'reverse'] },
      { weight: 0.3, contexts: ['school'], ops: '2' },
    ],
  };

  /** Share of the tokens (or texts) of each group over a stretch of the stream. */
  const shares = (data: object, measure: (ids: number[]) => number, texts = 6000) => {
    const sequences = openData(dataOf(data), 3).sequences(tokenizer);
    const sums: Record<string, number> = {};
    let total = 0;
    for (let i = 0; i < texts; i++) {
      const { context, op, mode } = sequences.kind(i);
      const amount = measure(sequences.at(i));
      const name = `${context} ${op} ${mode}`;
      sums[name] = (sums[name] ?? 0) + amount;
      total += amount;
    }
    return Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / total]));
  };
  const expected = {
    'crazy_zootopia 2 normalforward': 0.175,
    'crazy_zootopia 2 forwardreverse': 0.175,
    'crazy_zootopia 12 normalforward': 0.175,
    'crazy_zootopia 12 forwardreverse': 0.175,
    'teachers_in_school 2 normalforward': 0.3,
  };

  it('have the shares of tokens that were asked for, within 1 %', function () {
    this.timeout(60_000);
    const found = shares({ mixture }, (ids) => ids.length);
    assert.deepEqual(Object.keys(found).sort(), Object.keys(expected).sort());
    for (const [name, share] of Object.entries(expected)) {
      assert.ok(Math.abs(found[name]! - share) < 0.01, `${name}: ${found[name]} for ${share}`);
    }
  });

  it('have shares of tasks where asked', function () {
    this.timeout(60_000);
    const found = shares({ mixture, share_of: 'tasks' }, () => 1);
    for (const [name, share] of Object.entries(expected)) {
      // Four standard deviations of a share of 6000 draws are 0.024.
      assert.ok(Math.abs(found[name]! - share) < 0.024, `${name}: ${found[name]} for ${share}`);
    }
  });
});

describe('generated data', () => {
  it('are the task stream itself without a mixture', () => {
    const tokenizer = openTokenizer(PAPER_TOKENIZER);
    const data = dataOf({ contexts: ['school'], ops: '3-5', modes: ['reverse'], depths: [3] });
    const sequences = openData(data, 9).sequences(tokenizer);
    const source = createTaskSource({
      contexts: ['school'],
      ops: '3-5',
      modes: ['reverse'],
      depths: [3],
      seed: 9,
    });
    for (let i = 0; i < 5; i++) {
      assert.equal(tokenizer.decode(sequences.at(i)), `${trainingText(source.at(i))}[EOS]`);
    }
  });

  it('draw from the split that is asked for, without what is held out', () => {
    const data = dataOf({ contexts: ['zoo', 'school'], ops: '2-4', held_out: { contexts: ['school'] } });
    const tokenizer = openTokenizer(PAPER_TOKENIZER);
    const contexts = (split: string) => {
      const sequences = openData(data, 1, split).sequences(tokenizer);
      return new Set(Array.from({ length: 60 }, (_, i) => sequences.kind(i).context));
    };
    assert.deepEqual(contexts('train'), new Set(['crazy_zootopia']));
    assert.equal(contexts('test').size, 2);
  });
});

describe('thinking-augmented text', () => {
  const settings: Thinking = {
    position: 'after',
    share: 1,
    per_text: 1,
    length: 'long',
    corrupted: 0,
    announced: 1,
  };
  const tasks = createTaskSource({
    ops: '2-12',
    modes: ['forward', 'reverse'],
    depths: [2, 3],
    seed: 4,
  }).take(80);
  const stream = (i: number) => randomFamily('test thinking').at(i);
  const thoughtIn = (text: string) => /<think> (.*) <\/think>/.exec(text)![1]!;

  it('says what is asked, what is needed, and the order', () => {
    const [task] = createTaskSource({ ops: '3', contexts: ['zoo'], seed: 1 }).take(1);
    const thought = thoughtIn(thinkingText(task!, settings, stream(0)));
    const { nodes, query } = task!.graph;
    assert.ok(thought.startsWith(`The question asks for ${query}.`));
    assert.ok(thought.endsWith(`So the order is ${nodes.map(({ name }) => name).join(', then ')}.`));
    for (const { name, dependencies } of nodes) {
      const subject = name[0]!.toUpperCase() + name.slice(1);
      if (dependencies.length === 0) assert.ok(thought.includes(`${subject} is given.`), thought);
      for (const parent of dependencies) {
        assert.match(thought, new RegExp(`${subject} needs [^.]*${parent}`));
      }
    }
  });

  it('is the same for a record of the reference, which has no graph', () => {
    for (const [i, task] of tasks.entries()) {
      const { graph: _graph, ...record } = task;
      if (task.d === 3) continue; // what a product is made from stands in another order there
      const parts = (text: string) =>
        thoughtIn(text)
          .split(/[ .,]+/)
          .sort();
      assert.deepEqual(
        parts(thinkingText(record, settings, stream(i))),
        parts(thinkingText(task, settings, stream(i))),
      );
    }
  });

  it('stands behind the document, or before the first step, and steps stay verifiable', () => {
    for (const [i, task] of tasks.entries()) {
      const plain = trainingText(task);
      assert.ok(thinkingText(task, settings, stream(i)).startsWith(`${plain} <think> `));
      const before = thinkingText(task, { ...settings, position: 'before' }, stream(i));
      const [prompt, response] = before.split('<solution>') as [string, string];
      assert.ok(plain.startsWith(`${prompt}<solution>`));
      assert.ok(response.startsWith(' <think> '));
      assert.deepEqual(parseSolution(response).nodes, parseSolution(task.solution).nodes);
      const verdict = verify(task, response);
      assert.equal(verdict.verified, true);
      assert.deepEqual(verdict.compatible, verify(task, plain.split('<solution>')[1]!).compatible);
    }
  });

  it('stands inside the solution, about the step of the token behind it', () => {
    const starts = new Set<string>();
    for (const [i, task] of tasks.entries()) {
      const inside = thinkingText(task, { ...settings, position: 'inside' }, stream(i));
      const [, front, thought, rest] = /^(.*)<think> (.*)<\/think>(.*)$/.exec(inside)!;
      assert.equal(front! + rest!, trainingText(task), 'without the thought it is the text');
      assert.ok(front!.includes('<solution>'), 'a prompt has none');
      starts.add(/^ ?(?:\d|\w+|\S| )/.exec(rest!)![0]);
      if (task.mode === 'forwardreverse' && !front!.includes('</solution>')) {
        assert.doesNotMatch(thought!, / is -?[0-9]/, 'nothing that is not known yet');
        continue;
      }
      const found = /^(?:.* So )?(.*) is (-?[0-9.]+)\.$/.exec(thought!)!;
      const { nodes, query } = task.graph;
      const node = nodes.find(({ name }) => name.toLowerCase() === found[1]!.toLowerCase())!;
      assert.equal(Number(found[2]), node.value);
      const parents = nodes.filter(({ name }) => node.dependencies.includes(name));
      for (const { name, value } of parents)
        assert.ok(thought!.includes(`${name} is ${value}`), `${name} in ${thought}`);
      // The step that the next token stands in is the last that has begun before it ends.
      const begun = (front! + /^ ?\S*/.exec(rest!)![0]).split(' Define').length - 1;
      if (front!.includes('</solution>')) assert.equal(node.name, query);
      else assert.equal(nodes.indexOf(node), Math.max(begun, 1) - 1, inside);
    }
    for (const start of [' Define', ' total', ' =', ';', '.', '4'])
      assert.ok(starts.has(start), `in front of ${start}, too: ${[...starts]}`);
  });

  it('stands inside as often as it is asked for, without a change of the text', () => {
    for (const [i, task] of tasks.entries()) {
      const lengths = new Set<boolean>();
      for (const length of ['mixed', 'short', 'long'] as const) {
        const inside = thinkingText(
          task,
          { ...settings, position: 'inside', per_text: 4, length },
          stream(i),
        );
        const thoughts = [...inside.matchAll(/<think> (.*?)<\/think>/g)];
        assert.equal(thoughts.length, 4);
        assert.equal(inside.replaceAll(/<think>.*?<\/think>/g, ''), trainingText(task));
        if (task.mode === 'forwardreverse') continue; // their steps are open
        for (const [, thought] of thoughts) {
          if (length === 'short') assert.doesNotMatch(thought!, /needs/);
          if (length === 'mixed') lengths.add(thought!.includes('needs'));
        }
      }
    }
    assert.throws(() => parsePretrainConfig({ data: { thinking: { per_text: 2 } } }), { code: 'CONFIG' });
  });

  it('has the budget token nearest to its length in front, where the settings name some', () => {
    const thinking = { position: 'inside', budgets: [8, 32] };
    const opened = openData(dataOf({ ops: '2-4', thinking }), 1);
    assert.deepEqual(opened.special, ['<think>', '</think>', '<B8>', '<B32>']);
    const texts = Array.from({ length: 60 }, (_, i) => opened.text!(i));
    const trained = trainTokenizer(texts, { vocabularySize: 500, special: opened.special });
    const seen = new Set<string>();
    for (let i = 0; i < 60; i++) {
      const ids = opened.sequences(trained).at(i);
      const open = ids.indexOf(trained.idOf('<think>')!);
      const length = ids.indexOf(trained.idOf('</think>')!) - open - 1;
      const token = trained.tokenOf(ids[open - 1]!);
      assert.equal(token, length <= 16 ? '<B8>' : '<B32>', `${length} tokens`); // 16 is as far from both
      seen.add(token);
      assert.equal(ids.filter((id) => id === trained.idOf(token)).length, 1);
    }
    assert.equal(seen.size, 2);
    const some = openData(dataOf({ ops: '2-4', thinking: { ...thinking, announced: 0.25 } }), 1);
    const budgets = ['<B8>', '<B32>'].map((token) => trained.idOf(token)!);
    const withBudget = Array.from({ length: 400 }, (_, i) => some.sequences(trained).at(i)).filter((ids) =>
      ids.some((id) => budgets.includes(id)),
    );
    assert.ok(Math.abs(withBudget.length - 100) < 30, `a quarter of 400, not ${withBudget.length}`);
    const other = trainTokenizer(texts, { vocabularySize: 500, special: ['<think>', '</think>', '<B8>'] });
    assert.throws(() => opened.sequences(other), { code: 'BUDGET_TOKENS', message: /<B32>/ });
  });

  it('leaves texts without a thought, and corrupts thoughts, at the asked-for shares', () => {
    let [with0, wrong] = [0, 0];
    for (let i = 0; i < 400; i++) {
      const task = tasks[i % tasks.length]!;
      const text = thinkingText(task, { ...settings, share: 0.25 }, stream(i));
      if (text.includes('<think>')) with0++;
      const right = thinkingText(task, settings, stream(i));
      if (thinkingText(task, { ...settings, corrupted: 0.5 }, stream(i)) !== right) wrong++;
    }
    assert.ok(Math.abs(with0 - 100) < 4 * Math.sqrt(75), `${with0}`);
    assert.ok(Math.abs(wrong - 200) < 4 * 10 + 10, `${wrong}`); // a shuffle of few quantities may change nothing
  });

  it('is shorter where asked', () => {
    for (const [i, task] of tasks.entries()) {
      const long = thinkingText(task, settings, stream(i));
      assert.ok(thinkingText(task, { ...settings, length: 'short' }, stream(i)).length < long.length);
    }
  });

  it('needs a tokenizer with the tags, which are then single tokens', () => {
    const data = openData(dataOf({ ops: '2', thinking: {} }), 1);
    assert.throws(() => data.sequences(openTokenizer(PAPER_TOKENIZER)), { code: 'THINK_TOKENS' });
    const texts = Array.from({ length: 50 }, (_, i) => data.text!(i));
    const tokenizer = trainTokenizer(texts, { vocabularySize: 400, special: data.special });
    const ids = data.sequences(tokenizer).at(3);
    for (const tag of THINK_TAGS) assert.equal(ids.filter((id) => id === tokenizer.idOf(tag)).length, 1);
    assert.equal(tokenizer.decode(ids), `${data.text!(3)}[EOS]`);
  });
});

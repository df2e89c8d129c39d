/** The other notebooks, executed through the command line on their quick budget. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Output {
  output_type: string;
  data?: Record<string, unknown>;
  text?: string | string[];
}

/** Runs a notebook and gives the text of each output. */
function textsOf(name: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'interplay-'));
  try {
    const executed = join(folder, 'executed.ipynb');
    const result = spawnSync(
      process.execPath,
      ['bin/interplay.mjs', 'run', `notebooks/${name}.ipynb`, '--out', executed],
      { cwd: root, encoding: 'utf8', env: { ...process.env, INTERPLAY_BUDGET: 'quick' } },
    );
    assert.equal(result.status, 0, result.stderr);
    const { cells } = JSON.parse(readFileSync(executed, 'utf8')) as { cells: { outputs?: Output[] }[] };
    return cells
      .flatMap(({ outputs }) => outputs ?? [])
      .map(({ data, text }) => [data?.['text/plain'] ?? text ?? ''].flat().join(''));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The rows of the table of this title, each cut at runs of blanks. */
function tableOf(texts: readonly string[], title: string | RegExp): string[][] {
  const text = texts.find((one) => (typeof title === 'string' ? one.startsWith(title) : title.test(one)));
  assert.ok(text !== undefined, `a table "${title}"`);
  return text
    .trimEnd()
    .split('\n')
    .slice(2)
    .map((line) => line.trim().split(/ {2,}/));
}

describe('notebooks', function () {
  this.timeout(300_000);

  it('exposure-sweep compares four shares of a second context', () => {
    const texts = textsOf('exposure-sweep');
    const table = texts.find((text) => text.startsWith('After the last step'))!;
    const shares = [...table.matchAll(/^([\d.]+ %)/gm)].map(([, share]) => share);
    assert.deepEqual(shares, ['0 %', '0.1 %', '1 %', '10 %']);
    const losses = texts.find((text) => text.startsWith('Held-out loss by share'))!;
    assert.ok(losses.split('\n').length > 2 * 4, 'several checkpoints of four runs in two contexts');
    assert.equal(texts.filter((text) => text.startsWith('pass@k in context')).length, 2);
  });

  it('evaluation counts, draws and browses samples', () => {
    const texts = textsOf('evaluation');
    assert.ok(texts.some((text) => text.includes('20 problems (20 graphs), 160 samples in')));
    const table = texts.find((text) => text.startsWith('By op'))!;
    assert.deepEqual(
      [...table.matchAll(/^ *(\d) /gm)].map(([, op]) => op),
      ['2', '3', '4', '5', '6'],
    );
    const [all, rightAnswers] = texts.filter((text) => text.startsWith('Samples of'));
    assert.match(all!, /^60 of 160 samples, of 20 problems: spread over/m);
    assert.ok(rightAnswers !== undefined, 'a filtered selection');
    assert.match(texts.find((text) => text.startsWith('Where'))!, /^Where \d+ of 160 samples first fail/);
  });

  it('export writes for three programs and pays rewards', () => {
    const texts = textsOf('export');
    assert.ok(texts.some((text) => text.includes('the same model: true')));
    assert.ok(texts.some((text) => text.includes('train_from_scratch: true')));
    assert.ok(texts.some((text) => text.includes('adv_estimator: grpo')));
    const rewards = texts.find((text) => text.startsWith('Rewards'))!;
    assert.match(rewards, /^right +1 +1 +1$/m);
    assert.match(rewards, /^right answer, no steps +1 +0\.2 +0$/m);
  });

  it('tasks takes a problem apart', () => {
    const texts = textsOf('tasks');
    assert.ok(texts.some((text) => /^Sum of the last column: 8; op of the record: 8$/m.test(text)));
    assert.ok(texts.some((text) => text.includes('95 problems counted, 0 with another op than asked for')));
    const splits = tableOf(texts, /^Different graphs among/);
    assert.equal(splits.length, 10);
    for (const row of splits) assert.equal(row.at(-1), '0', 'no graph in two splits');
    const prints = tableOf(texts, 'Fingerprints').map((row) => row.at(-1));
    const [asItIs, otherNames, otherNumber] = prints;
    assert.equal(otherNames, asItIs);
    assert.notEqual(otherNumber, asItIs);
    const again = texts.find((text) => text.includes('made again from its index'))!;
    assert.match(again, /the same bytes +true/);
    const hashes = [...again.matchAll(/made (?:for|back)wards +(\w+)/g)].map(([, hash]) => hash);
    assert.equal(hashes[0], hashes[1]);
  });

  it('verification judges one defect at a time and shows the letter bug', () => {
    const texts = textsOf('verification');
    const verdicts = new Map(tableOf(texts, 'Verdicts').map(([what, ...rest]) => [what, rest]));
    const firstErrors = {
      'answer alone': 'missing',
      'a given number misread': 'reading',
      'arithmetic slip in the total': 'arithmetic',
      'made from another quantity': 'dependency',
      'a step left out': 'missing',
    };
    for (const [what, kind] of Object.entries(firstErrors)) {
      assert.deepEqual([verdicts.get(what)![0], verdicts.get(what)!.at(-1)], ['✗', kind], what);
    }
    for (const what of ['gold solution', 'a step too many', 'another letter throughout']) {
      assert.equal(verdicts.get(what)![0], '✓', what);
    }
    assert.deepEqual(tableOf(texts, 'The same solution twice'), [
      ['gold letters', '✓', '✓', '1', '1'],
      ['other letters', '✓', '✗', '1', '0'],
    ]);
    for (const row of tableOf(texts, 'The ceiling of pass@1')) {
      assert.equal(row.at(-1), '1', 'ours accepts all');
      assert.ok(Number(row[1]) < 1, 'the reference refuses some');
    }
  });

  it('topology compares gold and predicted graphs with training', () => {
    const texts = textsOf('topology');
    const problems = tableOf(texts, /^Test problems against/);
    assert.deepEqual(
      problems.map(([op]) => op),
      ['2', '3', '4', '5', '6'],
    );
    assert.deepEqual([problems[0]![2], problems[4]![2]], ['1', '0'], 'seen in training, and not');
    assert.equal(tableOf(texts, 'Similarity to the nearest').length, 3);
    assert.ok(texts.some((text) => text.startsWith('Gold and predicted graph, op')));
  });

  it('evaluate-any-model reads files and servers of other programs', () => {
    const texts = textsOf('evaluate-any-model');
    const [chat, ...files] = tableOf(texts, 'The same responses, in four formats');
    assert.equal(files.length, 4);
    for (const [name, ...numbers] of files) assert.deepEqual(numbers, chat!.slice(1), name);
    assert.deepEqual(tableOf(texts, 'One task has no response').length, 2);
    assert.ok(texts.some((text) => text.includes('arrived unchanged: true')));
    assert.equal(texts.filter((text) => text.startsWith('verified pass@k')).length, 2, 'two commands');
  });

  it('extrapolation trains on three ranges', () => {
    const texts = textsOf('extrapolation');
    assert.deepEqual(
      tableOf(texts, 'Along the runs').map(([run]) => run),
      ['inside', 'edge', 'beyond'],
    );
    assert.ok(
      texts.some((text) => text.startsWith('pass@k before and after RL')),
      'the figure',
    );
    assert.equal(tableOf(texts, 'Base and RL models').length, 3 * 4);
  });

  it('context trains on both contexts after four exposures', () => {
    const texts = textsOf('context');
    for (const title of ['After pre-training', 'Rollouts in context B', 'Before and after RL']) {
      const shares = tableOf(texts, title).map(([share]) => share);
      assert.deepEqual(shares, ['0 %', '0.1 %', '1 %', '10 %'], title);
    }
  });

  it('mid-training spends one budget in four ways', () => {
    const texts = textsOf('mid-training');
    const table3 = tableOf(texts, "The paper's budgets");
    assert.deepEqual(table3[0]!.slice(0, 5), ['1.05', '2000', '50', '51.2', '1600, 10']);
    const spent = tableOf(texts, 'What was spent');
    assert.deepEqual(
      spent.map(([allocation]) => allocation),
      ['full mid', 'light RL', 'heavy RL', 'full RL'],
    );
    for (const [allocation, , , , share] of spent) assert.ok(Number(share) >= 1, allocation);
  });

  it('process-rewards compares four rewards', () => {
    const texts = textsOf('process-rewards');
    const rewards = ['outcome', 'composite-0.2', 'process', 'strict'];
    for (const title of ['Rollouts: what was earned', 'Hacked responses by error']) {
      assert.deepEqual(
        tableOf(texts, title).map(([reward]) => reward),
        rewards,
        title,
      );
    }
    assert.equal(tableOf(texts, 'Held-out problems, op').length, 1 + rewards.length);
  });

  it('reinforcement-mid-training compares six ways to spend a budget', () => {
    const texts = textsOf('reinforcement-mid-training');
    const methods = ['next token', 'TPT', 'ReMiT', 'RPT', 'RMT', 'RLP'];
    const ablations = ['RMT, no budget', 'RMT, no curriculum', 'RMT, no next token'];
    const bought = tableOf(texts, 'What each bought');
    assert.deepEqual(
      bought.map(([method]) => method),
      [...methods, ...ablations],
    );
    // A run ends with the step that reaches the budget.
    for (const [method, equivalents] of bought) assert.ok(Number(equivalents) >= 8_000, method);
    assert.deepEqual(
      tableOf(texts, 'Next-token accuracy, %').map(([model]) => model),
      ['base, budget 16', 'base', ...methods, ...ablations],
    );
    const gains = tableOf(texts, 'pass@k minus that of continued');
    assert.deepEqual(
      [...new Set(gains.map(([model]) => model))],
      [...methods.slice(1), ...ablations, 'base'],
    );
    const claims = tableOf(texts, 'Claims and differences, 1 seed');
    assert.ok(claims.length > 15, 'a line for every claim');
    for (const claim of claims) assert.equal(claim.at(-1), 'one seed');
  });
});

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { difficultyRows, runRows } from '../../src/analysis/index.ts';
import { writeJsonLines } from '../../src/core/jsonl.ts';
import {
  drawGraph,
  entropyHistograms,
  errorTypes,
  nextTokenAccuracies,
  passAtKByOp,
  passAtKCurve,
  thoughtLengths,
  trainingCurve,
} from '../../src/figures/index.ts';
import { interplay } from '../cli/commandLine.ts';
import { gold } from './graph/graphs.ts';
import { byOp, errors, training } from './rows.ts';

const task = {
  problem: 'The number of a in P equals 2. ',
  question: 'What is the number of a in P?',
  solution: 'Define a in P as x; so x = 2. Answer: 2.',
  op: 1,
  id: 't',
  template: 'crazy_zootopia',
  mode: 'normalforward',
  length: 'zero_context',
  d: 2,
};

const LENGTHS = [1, 2].map((step) => ({
  run: 'a',
  step,
  thought_length: 5 - step,
  thinking_budget: 8 / step,
}));
const ENTROPIES = [0.1, 0.3, 2].map((entropy) => ({ model: 'base', entropy }));

describe('figure command', () => {
  let folder: string;
  const at = (name: string) => join(folder, name);
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'interplay-figure-cli-'));
    writeFileSync(at('pass.json'), JSON.stringify(byOp));
    const columns = Object.keys(byOp[0]!);
    const values = byOp.map((row) => Object.values(row).join(','));
    writeFileSync(at('pass.csv'), `${[columns.join(','), ...values].join('\n')}\n`);
    writeFileSync(at('errors.json'), JSON.stringify(errors));
    writeFileSync(at('metrics.jsonl'), training.map((row) => `${JSON.stringify(row)}\n`).join(''));
    writeJsonLines(at('metrics.jsonl.gz'), training);
    writeFileSync(
      at('tasks.jsonl'),
      `${JSON.stringify(task)}\n${JSON.stringify({ ...task, graph: gold })}\n`,
    );
    mkdirSync(at('rmt'));
    const validation = { validation_accuracy_plain: 0.5, validation_accuracy_plain_hard: 0.25 };
    const lines = [
      { step: 1, thought_length: 7, thinking_budget: 8, positions: 4 },
      { step: 1, ...validation },
    ];
    writeFileSync(at('rmt/metrics.jsonl'), lines.map((row) => `${JSON.stringify(row)}\n`).join(''));
    writeFileSync(at('rows.json'), JSON.stringify(LENGTHS));
    writeFileSync(at('entropies.json'), JSON.stringify(ENTROPIES));
    mkdirSync(at('folder.json'));
    writeFileSync(at('half.json'), '[{"op": 2, "k"');
    writeFileSync(at('object.json'), '{"op": 2}');
    writeFileSync(at('numbers.json'), '[1, 2]');
    writeFileSync(at('ragged.csv'), 'op,k,value\n2,1\n');
  });
  after(() => rmSync(folder, { recursive: true }));

  const drawn: [string, string[], () => string][] = [
    ['pass_at_k_by_op from JSON', ['pass_at_k_by_op', 'pass.json'], () => passAtKByOp(byOp).svg],
    ['pass_at_k_by_op from CSV', ['pass_at_k_by_op', 'pass.csv'], () => passAtKByOp(byOp).svg],
    [
      'pass_at_k with options',
      ['pass_at_k', 'pass.csv', '--k', '1,16', '--title', 'T', '--width', '500'],
      () => passAtKCurve(byOp, { ks: [1, 16], title: 'T', width: 500 }).svg,
    ],
    ['error_types', ['error_types', 'errors.json'], () => errorTypes(errors).svg],
    [
      'training_curve',
      ['training_curve', 'metrics.jsonl'],
      () => trainingCurve(training, { learningRate: true }).svg,
    ],
    [
      'training_curve from gzip',
      ['training_curve', 'metrics.jsonl.gz'],
      () => trainingCurve(training, { learningRate: true }).svg,
    ],
    [
      'next_token_accuracy of a run',
      ['next_token_accuracy', 'rmt', '--width', '600'],
      () => nextTokenAccuracies(difficultyRows([at('rmt')]), { width: 600 }).svg,
    ],
    ['thought_length of a run', ['thought_length', 'rmt'], () => thoughtLengths(runRows([at('rmt')])).svg],
    ['thought_length of rows', ['thought_length', 'rows.json'], () => thoughtLengths(LENGTHS).svg],
    [
      'entropy_histogram',
      ['entropy_histogram', 'entropies.json', '--by', 'model'],
      () => entropyHistograms(ENTROPIES, { by: 'model' }).svg,
    ],
    ['graph', ['graph', 'tasks.jsonl', '--index', '1'], () => drawGraph(gold).svg],
  ];
  for (const [what, [name, file, ...options], expected] of drawn) {
    it(`draws ${what} as the function does`, async () => {
      const out = at('out.svg');
      const run = await interplay('figure', name!, '--in', at(file!), '--out', out, ...options);
      assert.deepEqual([run.code, run.stderr], [0, '']);
      assert.equal(readFileSync(out, 'utf8'), expected());
      rmSync(out);
    });
  }

  describe('loss_curves of run folders', () => {
    const groups = (a: number) => ({ 'context=a': a, 'context=b': a + 1 });
    const metrics: Record<string, object[]> = {
      'runs/one': [
        { step: 5, tokens: 1000, loss: 5 },
        { step: 8, tokens: 1600, validation_loss: 4, validation_loss_by_group: groups(3.5) },
        { step: 10, tokens: 2000, loss: 3, validation_loss: 2.5, validation_loss_by_group: groups(2) },
      ],
      'runs/two': [
        { step: 5, tokens: 1000, loss: 4, validation_loss: 3.75, validation_loss_by_group: groups(3) },
      ],
      'other/two': [{ step: 5, tokens: 1000, loss: 4.5, validation_loss: 3.25 }],
      'runs/plain': [{ step: 5, tokens: 1000, loss: 6 }],
    };
    before(() => {
      for (const [name, lines] of Object.entries(metrics)) {
        mkdirSync(at(name), { recursive: true });
        // The last line is half written: the run is under way.
        const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
        writeFileSync(join(at(name), 'metrics.jsonl'), `${text}{"step":11,"tok`);
      }
      mkdirSync(at('runs/empty'));
    });
    const curves = (...argv: string[]) =>
      interplay('figure', 'loss_curves', ...argv, '--out', at('out.json'));
    const drawn = () => {
      const { data, layout } = JSON.parse(readFileSync(at('out.json'), 'utf8')) as {
        data: { name: string; x: number[]; y: number[]; xaxis: string }[];
        layout: { yaxis: { title: { text: string } } };
      };
      return { data: data.map(({ name, x, y, xaxis }) => ({ name, x, y, xaxis })), layout };
    };
    const inputs = (...names: string[]) => ['--in', ...names.map(at)];

    it('draws held-out losses, a line for each run', async () => {
      const run = await curves(...inputs('runs/one', 'runs/plain', 'runs/two', 'other/two'), '--json');
      assert.deepEqual([run.code, run.stderr], [0, '']);
      assert.deepEqual(
        JSON.parse(run.stdout).in,
        ['runs/one', 'runs/plain', 'runs/two', 'other/two'].map(at),
      );
      const { data, layout } = drawn();
      assert.deepEqual(data, [
        { name: 'one', x: [1600, 2000], y: [4, 2.5], xaxis: 'x' },
        { name: at('runs/two'), x: [1000], y: [3.75], xaxis: 'x' }, // two runs have one name
        { name: at('other/two'), x: [1000], y: [3.25], xaxis: 'x' },
      ]);
      assert.match(layout.yaxis.title.text, /held-out loss/);
    });

    it('draws training losses, and groups of held-out tasks in panels', async () => {
      await curves(...inputs('runs/one', 'runs/plain'), '--loss', 'training');
      assert.deepEqual(drawn().data, [
        { name: 'one', x: [1000, 2000], y: [5, 3], xaxis: 'x' },
        { name: 'plain', x: [1000], y: [6], xaxis: 'x' },
      ]);
      assert.match(drawn().layout.yaxis.title.text, /training loss/);
      await curves(...inputs('runs/one', 'runs/two'), '--groups');
      assert.deepEqual(drawn().data, [
        { name: 'one', x: [1600, 2000], y: [3.5, 2], xaxis: 'x' },
        { name: 'two', x: [1000], y: [3], xaxis: 'x' },
        { name: 'one', x: [1600, 2000], y: [4.5, 3], xaxis: 'x2' },
        { name: 'two', x: [1000], y: [4], xaxis: 'x2' },
      ]);
    });

    const refusals: [string, string, string[]][] = [
      ['a folder that is no run', 'INPUT_UNREADABLE', ['runs/empty']],
      ['no folder', 'INPUT_UNREADABLE', ['runs/none']],
      ['runs without such losses', 'FIGURE_EMPTY', ['runs/plain']],
      ['groups that no run has', 'FIGURE_EMPTY', ['other/two', '--groups']],
      ['groups of training losses', 'OPTION_CONFLICT', ['runs/one', '--groups', '--loss', 'training']],
      ['an unknown loss', 'USAGE', ['runs/one', '--loss', 'validation']],
      ['an option of another figure', 'USAGE', ['runs/one', '--k', '1']],
    ];
    for (const [what, code, [name, ...options]] of refusals) {
      it(`refuses ${what}`, async () => {
        const run = await curves(...inputs(name!), ...options);
        assert.equal(run.code, 2);
        assert.match(run.stderr, new RegExp(`^interplay: ${code}: expected .*, got .*; do .*\\n$`));
      });
    }

    it('takes several inputs for this figure only', async () => {
      const files = [at('pass.json'), at('pass.csv')];
      const run = await interplay('figure', 'pass_at_k', '--in', ...files, '--out', at('x.svg'));
      assert.match(run.stderr, /^interplay: USAGE: .*one --in/);
    });
  });

  it('makes a figure as wide as it is printed, and knows what is no width', async () => {
    const draw = (width: string, out: string) =>
      interplay('figure', 'graph', '--in', at('tasks.jsonl'), '--out', at(out), '--print-width', width);
    assert.equal((await draw('85mm', 'printed.svg')).code, 0);
    assert.match(readFileSync(at('printed.svg'), 'utf8'), /^<svg[^>]* width="85mm" height="[\d.]+mm"/);
    rmSync(at('printed.svg'));
    const refused = await draw('broad', 'printed.svg');
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /^interplay: FIGURE_WIDTH: /);
  });

  it('draws the graph of a record that has none, from its solution', async () => {
    const run = await interplay('figure', 'graph', '--in', at('tasks.jsonl'), '--out', at('g.svg'), '--json');
    assert.deepEqual(JSON.parse(run.stdout), { figure: 'graph', in: at('tasks.jsonl'), out: at('g.svg') });
    assert.match(readFileSync(at('g.svg'), 'utf8'), /data-name="a in P"/);
    rmSync(at('g.svg'));
  });

  const refused: [string, string, string[]][] = [
    ['an unknown figure', 'FIGURE_NAME', ['pie', 'pass.json']],
    ['a missing file', 'INPUT_UNREADABLE', ['pass_at_k', 'none.json']],
    ['a folder', 'INPUT_UNREADABLE', ['pass_at_k', 'folder.json']],
    ['half a file', 'JSON_FILE', ['pass_at_k', 'half.json']],
    ['an object instead of rows', 'FIGURE_INPUT', ['pass_at_k', 'object.json']],
    ['numbers instead of rows', 'FIGURE_INPUT', ['pass_at_k', 'numbers.json']],
    ['a ragged CSV', 'FIGURE_INPUT', ['pass_at_k', 'ragged.csv']],
    ['a kind of file that has no rows', 'FIGURE_INPUT', ['pass_at_k', 'rows.xlsx']],
    ['rows of another figure', 'FIGURE_COLUMN', ['error_types', 'pass.json']],
    ['a wrong ending', 'FIGURE_FORMAT', ['pass_at_k', 'pass.json', '--out', 'x.gif']],
    ['a k that nobody measured', 'FIGURE_EMPTY', ['pass_at_k', 'pass.json', '--k', '3']],
    ['a k that is none', 'USAGE', ['pass_at_k', 'pass.json', '--k', '1,x']],
    ['an index beyond the file', 'TASK_INDEX', ['graph', 'tasks.jsonl', '--index', '2']],
    ['rows instead of tasks', 'TASK_RECORD', ['graph', 'metrics.jsonl']],
    ['an option of another figure', 'USAGE', ['error_types', 'errors.json', '--verifier', 'answer']],
    ['an unknown option', 'USAGE', ['pass_at_k', 'pass.json', '--wat']],
  ];
  for (const [what, code, [name, file, ...options]] of refused) {
    it(`refuses ${what}`, async () => {
      const before = readdirSync(folder);
      const out = options.includes('--out') ? [] : ['--out', at('x.svg')];
      const run = await interplay('figure', name!, '--in', at(file!), ...out, ...options);
      assert.equal(run.code, 2);
      assert.match(run.stderr, new RegExp(`^interplay: ${code}: expected .*, got .*; do .*\\n$`));
      assert.deepEqual(readdirSync(folder), before);
    });
  }
});

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { designRows, dynamicsRows, namedDesign, runRows } from '../../src/analysis/index.ts';
import { computeMetrics, type SampleRow } from '../../src/evaluate/index.ts';
import { interplay } from '../cli/commandLine.ts';

/** `right` of the samples of each of two problems per op are right. */
const samples = (right: number): SampleRow[] =>
  [2, 11].flatMap((op) =>
    [0, 1].flatMap((problem) =>
      [0, 1].map((sample_index) => ({
        task_id: `${op}-${problem}`,
        sample_index,
        op,
        template: 'crazy_zootopia',
        mode: 'normalforward',
        verified: sample_index < right,
        answer_correct: sample_index < right,
        process_accuracy: 1,
        errors: [],
        first_error: null,
        extracted_answer: '1',
        compatible: { perfect: sample_index < right },
      })),
    ),
  ) as unknown as SampleRow[];

describe('frames of experiments', () => {
  let folder: string;
  const at = (...names: string[]) => join(folder, ...names);
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'interplay-experiments-'));
    const write = (path: string[], right: number) => {
      mkdirSync(at(...path), { recursive: true });
      const metrics = computeMetrics(samples(right), { k: [1, 2], seed: 0, replicates: 10 });
      writeFileSync(at(...path, 'metrics.json'), JSON.stringify(metrics));
    };
    write(['evals', 'base'], 0);
    write(['evals', 'rl'], 1);
    write(['sweep', 'step-20'], 1);
    write(['sweep', 'step-5'], 0);
    writeFileSync(at('sweep', 'sweep.json'), JSON.stringify([{ step: 5, tokens: 500 }]));
    writeFileSync(at('design.csv'), 'evaluation,reward\nevals/base,none\nevals/rl,strict\n');
    mkdirSync(at('run'));
    writeFileSync(at('run', 'config.json'), '{"group_size": 6}');
    writeFileSync(
      at('run', 'metrics.jsonl'),
      '{"step":1,"reward":0.25,"response_length":200,"groups_sampled":4}\n{"step":2,"reward":0.5,"response_length":210,"groups_sampled":4}\n',
    );
  });
  after(() => rmSync(folder, { recursive: true }));

  const verified = (rows: Record<string, unknown>[], k = 1) =>
    rows.filter((row) => row.verifier === 'verified' && row.k === k);

  it('join a design with what its evaluations measured', () => {
    const rows = verified(designRows(namedDesign([at('evals/base'), at('evals/rl')]), 'op'));
    assert.deepEqual(
      rows.map(({ run, range, op, value, n }) => [run, range, op, value, n]),
      [
        ['base', 'id', 2, 0, 2],
        ['base', 'edge', 11, 0, 2],
        ['rl', 'id', 2, 0.5, 2],
        ['rl', 'edge', 11, 0.5, 2],
      ],
    );
    const errors = designRows([{ evaluation: at('evals/rl'), reward: 'x' }], 'range', 'error_types');
    assert.deepEqual(errors.find(({ type, range }) => type === 'correct' && range === 'id')!.share, 0.5);
  });

  it('follow a sweep in the order of steps', () => {
    const rows = verified(dynamicsRows(at('sweep'), [11]));
    assert.deepEqual(
      rows.map(({ step, tokens, range, op, value }) => [step, tokens, range, op, value]),
      [
        [5, 500, 'id', undefined, 0],
        [5, 500, 'edge', undefined, 0],
        [5, 500, undefined, 11, 0],
        [20, null, 'id', undefined, 0.5],
        [20, null, 'edge', undefined, 0.5],
        [20, null, undefined, 11, 0.5],
      ],
    );
    assert.throws(() => dynamicsRows(at('evals')), { code: 'INPUT_UNREADABLE' });
  });

  it('read runs of RL with their responses per step', () => {
    const rows = runRows([at('run')]);
    assert.deepEqual(
      rows.map(({ run, step, reward, n }) => [run, step, reward, n]),
      [
        ['run', 1, 0.25, 24],
        ['run', 2, 0.5, 24],
      ],
    );
    assert.throws(() => runRows([at('evals')]), { code: 'INPUT_UNREADABLE' });
  });

  const commands: [string, string[]][] = [
    ['figure_7', ['design.csv']],
    ['figure_3', ['evals/base', 'evals/rl']],
    ['figure_9', ['sweep']],
    ['figure_11', ['run']],
  ];
  for (const [name, inputs] of commands) {
    it(`${name} is drawn from ${inputs.join(' and ')}`, async () => {
      const run = await interplay(
        'figure',
        name,
        '--in',
        ...inputs.map((input) => at(input)),
        '--out',
        at('x.svg'),
      );
      assert.deepEqual([run.code, run.stderr], [0, '']);
    });
  }

  it('tables take no input, and figures need one', async () => {
    const table = await interplay('figure', 'table_3', '--out', at('t.md'));
    assert.deepEqual([table.code, table.stderr], [0, '']);
    const [given, none] = [
      await interplay('figure', 'table_3', '--in', at('run'), '--out', at('t.md')),
      await interplay('figure', 'figure_3', '--out', at('x.svg')),
    ];
    assert.match(given.stderr, /^interplay: USAGE: expected no --in/);
    assert.match(none.stderr, /^interplay: USAGE: expected --in for figure_3/);
  });
});

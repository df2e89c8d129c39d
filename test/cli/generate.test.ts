import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main } from '../../src/cli/main.ts';
import { createTaskSource, readTasks } from '../../src/tasks/index.ts';

/** Runs the command line in this process and catches what it prints. */
async function run(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const caught = { out: '', err: '' };
  const { stdout, stderr } = process;
  const [writeOut, writeErr] = [stdout.write, stderr.write];
  stdout.write = ((text: string) => {
    caught.out += text;
    return true;
  }) as typeof stdout.write;
  stderr.write = ((text: string) => {
    caught.err += text;
    return true;
  }) as typeof stderr.write;
  try {
    const code = await main(words);
    return { code, ...caught };
  } finally {
    stdout.write = writeOut;
    stderr.write = writeErr;
  }
}

describe('interplay generate and inspect', () => {
  let folder: string;
  let out: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'interplay-generate-'));
    out = join(folder, 'tasks.jsonl');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('write the stream that the options name', async () => {
    const words =
      '--contexts zoo,festival --ops 2-4,6 --modes forward --count 30 --seed 9 --split test'.split(' ');
    const { code } = await run('generate', ...words, '--out', out);
    assert.equal(code, 0);
    const source = createTaskSource({
      contexts: ['zoo', 'festival'],
      ops: [2, 3, 4, 6],
      seed: 9,
      split: 'test',
    });
    assert.deepEqual([...readTasks(out)], source.take(30));
  });

  it('read worlds and mixtures from files', async () => {
    const world = join(folder, 'world.json');
    const mixture = join(folder, 'mixture.json');
    writeFileSync(
      world,
      JSON.stringify({
        name: 'tiny',
        places: 2,
        categories: 2,
        cells: 4,
        ops: [2, 6],
        terms: 3,
        leaves: [1, 9],
        addends: [1, 4],
        factors: [2, 3],
        maxValue: 50,
        distractors: [0, 0],
      }),
    );
    writeFileSync(mixture, JSON.stringify({ components: [{ contexts: ['school'], ops: { 5: 1, 6: 1 } }] }));
    const { code, err } = await run(
      'generate',
      '--world',
      world,
      '--mixture',
      mixture,
      '--count',
      '20',
      '--out',
      out,
    );
    assert.equal(code, 0, err);
    for (const { op, template, graph, problem } of readTasks(out)) {
      assert.ok((op === 5 || op === 6) && template === 'teachers_in_school');
      const told = graph!.nodes.filter(({ kind }) => kind === 'instance').length;
      assert.equal(problem.split('. ').length - 1, told, 'no distractors');
    }
  });

  it('print one JSON document on request, progress only on stderr', async () => {
    const made = await run('generate', '--count', '12', '--ops', '3', '--out', out, '--json');
    assert.deepEqual((({ count, ops, bytes }) => ({ count, ops, bytes }))(JSON.parse(made.out)), {
      count: 12,
      ops: { 3: 12 },
      bytes: readFileSync(out).length,
    });
    assert.match(made.err, /generate/);
    const seen = await run('inspect', out, '--json', '--examples', '2');
    const { count, ops, examples } = JSON.parse(seen.out);
    assert.deepEqual([count, ops, examples.length], [12, { 3: 12 }, 2]);
    const shown = await run('inspect', out, '--examples', '1');
    assert.match(shown.out, /12 tasks/);
    assert.match(shown.out, /Answer: \d+\./);
  });

  const refused: [string, string[], string][] = [
    ['an unknown option', ['--bogus'], 'USAGE'],
    ['a count of none', ['--count', '0'], 'USAGE'],
    ['workers of none', ['--workers', '0'], 'USAGE'],
    ['a seed that is none', ['--seed', 'x'], 'USAGE'],
    ['an op out of reach', ['--ops', '2-99'], 'OPS_RANGE'],
    ['ops that are none', ['--ops', '2..9'], 'OPS_INVALID'],
    ['an unknown context', ['--contexts', 'zoo,moon'], 'CONTEXT_UNKNOWN'],
    ['reverse problems', ['--modes', 'forward,reverse'], 'MODE_UNAVAILABLE'],
    ['depth 3', ['--depth', '3'], 'DEPTH_UNAVAILABLE'],
    ['an unknown split', ['--split', 'dev'], 'SPLIT_UNKNOWN'],
    ['an unknown world', ['--world', 'huge'], 'WORLD_UNKNOWN'],
    ['a world file that is not there', ['--world', 'no/such/world.json'], 'INPUT_UNREADABLE'],
    ['a mixture and ops', ['--mixture', 'paper-pretrain', '--ops', '2'], 'OPTION_CONFLICT'],
    ['an unknown mixture', ['--mixture', 'mine'], 'MIXTURE_UNKNOWN'],
  ];
  for (const [what, words, code] of refused) {
    it(`refuse ${what} with one line and exit code 2, and write nothing`, async () => {
      const result = await run('generate', '--count', '5', '--out', out, ...words);
      assert.equal(result.code, 2);
      assert.match(result.err, new RegExp(`^interplay: ${code}: expected .+, got .+; do .+\\n$`));
      assert.equal(result.out, '');
      assert.deepEqual(readdirSync(folder), []);
    });
  }

  it('refuse an output that is no task file, or cannot be written', async () => {
    const csv = await run('generate', '--count', '5', '--out', join(folder, 'tasks.csv'));
    assert.match(csv.err, /^interplay: OUT_FORMAT: /);
    writeFileSync(join(folder, 'file'), '');
    const below = await run('generate', '--count', '5', '--out', join(folder, 'file', 'tasks.jsonl'));
    assert.match(below.err, /^interplay: OUTPUT_UNWRITABLE: /);
    assert.deepEqual([csv.code, below.code], [2, 2]);
  });

  it('refuse to inspect what is no task file', async () => {
    assert.match((await run('inspect', out)).err, /^interplay: INPUT_UNREADABLE: /);
    writeFileSync(out, '{"problem": "x"}\n');
    const { code, err } = await run('inspect', out);
    assert.equal(code, 2);
    assert.match(err, /^interplay: TASK_RECORD: expected field question .* line 1; do /);
    assert.ok(existsSync(out));
  });
});

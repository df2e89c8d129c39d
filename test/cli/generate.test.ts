import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Context, createTaskSource, readTasks } from '../../src/tasks/index.ts';
import { PAPER_TOKENIZER } from '../../src/tokenizer/index.ts';
import { interplay } from './commandLine.ts';

/** A context of a user's own. */
const AQUARIUM: Context = {
  name: 'harbour_aquarium',
  alias: 'aquarium',
  places: [['North Tank', 'South Tank', 'Deep Pool', 'Tide Basin']],
  categories: [['grey shark', 'manta ray', 'sea turtle', 'moon jelly']],
  total: 'total number of sea animals',
  average: { item: 'average number of young', total: 'total number of young sea animals' },
};

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
    const { code } = await interplay('generate', ...words, '--out', out);
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
    const { code, stderr } = await interplay(
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
    assert.equal(code, 0, stderr);
    for (const { op, template, graph, problem } of readTasks(out)) {
      assert.ok((op === 5 || op === 6) && template === 'teachers_in_school');
      const told = graph!.nodes.filter(({ kind }) => kind === 'instance').length;
      assert.equal(problem.split('. ').length - 1, told, 'no distractors');
    }
  });

  it('print one JSON document on request, progress only on stderr', async () => {
    const made = await interplay('generate', '--count', '12', '--ops', '3', '--out', out, '--json');
    assert.deepEqual((({ count, ops, bytes }) => ({ count, ops, bytes }))(JSON.parse(made.stdout)), {
      count: 12,
      ops: { 3: 12 },
      bytes: readFileSync(out).length,
    });
    assert.match(made.stderr, /generate/);
    const seen = await interplay('inspect', out, '--json', '--examples', '2');
    const { count, ops, examples } = JSON.parse(seen.stdout);
    assert.deepEqual([count, ops, examples.length], [12, { 3: 12 }, 2]);
    const shown = await interplay('inspect', out, '--examples', '1');
    assert.match(shown.stdout, /12 tasks/);
    assert.match(shown.stdout, /Answer: \d+\./);
  });

  const refused: [string, string[], string][] = [
    ['an unknown option', ['--bogus'], 'USAGE'],
    ['a count of none', ['--count', '0'], 'USAGE'],
    ['workers of none', ['--workers', '0'], 'USAGE'],
    ['a seed that is none', ['--seed', 'x'], 'USAGE'],
    ['an op out of reach', ['--ops', '2-99'], 'OPS_RANGE'],
    ['ops that are none', ['--ops', '2..9'], 'OPS_INVALID'],
    ['an unknown context', ['--contexts', 'zoo,moon'], 'CONTEXT_UNKNOWN'],
    ['a mode that is none', ['--modes', 'forward,sideways'], 'MODE_UNKNOWN'],
    ['a depth that is none', ['--depth', '2,4'], 'DEPTH_UNKNOWN'],
    ['a depth that is no number', ['--depth', 'deep'], 'DEPTH_UNKNOWN'],
    ['an empty list', ['--modes', ','], 'USAGE'],
    ['shares that are none', ['--splits', 'train=0.8,val'], 'SPLIT_SHARES'],
    ['a share of none', ['--splits', 'train=0.8,val=0'], 'SPLIT_SHARES'],
    ['a number as the name of a split', ['--splits', 'train=0.8,2=0.2'], 'SPLIT_SHARES'],
    ['a split twice', ['--splits', 'train=0.8,train=0.2'], 'SPLIT_SHARES'],
    ['splits without the one asked for', ['--splits', 'fit=0.8,last=0.2'], 'SPLIT_UNKNOWN'],
    ['an identity of something else', ['--identity', 'values,names'], 'USAGE'],
    ['a split of held-out contexts alone', ['--contexts', 'zoo', '--hold-out-contexts', 'zoo'], 'HELD_OUT'],
    ['a held-out depth that is none', ['--hold-out-depths', '5'], 'DEPTH_UNKNOWN'],
    ['a context file that is not there', ['--contexts', 'no/such/context.json'], 'INPUT_UNREADABLE'],
    ['a kind of duplicates that is none', ['--unique', 'letter'], 'USAGE'],
    ['a count and a token budget', ['--tokens', '1M'], 'OPTION_CONFLICT'],
    ['a budget that is none', ['--tokens', '5X'], 'USAGE'],
    ['a budget of half a token', ['--tokens', '0.4'], 'USAGE'],
    ['a tokenizer that is not there', ['--tokenizer', 'no/such/tokenizer.json'], 'INPUT_UNREADABLE'],
    [
      'more different graphs than there are',
      ['--ops', '2', '--unique', 'graph', '--count', '99'],
      'UNIQUE_EXHAUSTED',
    ],
    ['an unknown split', ['--split', 'dev'], 'SPLIT_UNKNOWN'],
    ['an unknown world', ['--world', 'huge'], 'WORLD_UNKNOWN'],
    ['a world file that is not there', ['--world', 'no/such/world.json'], 'INPUT_UNREADABLE'],
    ['a mixture and ops', ['--mixture', 'paper-pretrain', '--ops', '2'], 'OPTION_CONFLICT'],
    ['an unknown mixture', ['--mixture', 'mine'], 'MIXTURE_UNKNOWN'],
  ];
  for (const [what, words, code] of refused) {
    it(`refuse ${what} with one line and exit code 2, and write nothing`, async () => {
      const result = await interplay('generate', '--count', '5', '--out', out, ...words);
      assert.equal(result.code, 2);
      assert.match(
        result.stderr,
        new RegExp(`^(generate .*\\n)*interplay: ${code}: expected .+, got .+; do .+\\n$`),
      );
      assert.equal(result.stdout, '');
      assert.deepEqual(readdirSync(folder), []);
    });
  }

  it('refuse a request without a count or a token budget', async () => {
    const { code, stderr } = await interplay('generate', '--out', out);
    assert.equal(code, 2);
    assert.match(stderr, /^interplay: OPTION_CONFLICT: expected one of --count and --tokens, got neither; /);
  });

  it('write kinds of every mode, depth and context, one of them the user’s, with what is held out', async () => {
    const file = join(folder, 'aquarium.json');
    writeFileSync(file, JSON.stringify(AQUARIUM));
    const words =
      '--ops 3-6 --modes forward,reverse --depth 2,3 --splits fit=3,last=1 --identity values,context --hold-out-depths 3';
    for (const [split, depths] of [
      ['fit', [2]],
      ['last', [2, 3]],
    ] as const) {
      const contexts = ['--contexts', `zoo,${file}`, '--hold-out-contexts', 'zoo'];
      const { code, stderr } = await interplay(
        ...['generate', '--count', '200', '--split', split, ...contexts, ...words.split(' '), '--out', out],
      );
      assert.equal(code, 0, stderr);
      const tasks = [...readTasks(out)];
      const source = createTaskSource({
        contexts: ['zoo', AQUARIUM],
        ops: '3-6',
        modes: ['forward', 'reverse'],
        depths: [2, 3],
        splits: { fit: 3, last: 1 },
        split,
        identity: { values: true, query: false, context: true },
        heldOut: { contexts: ['zoo'], depths: [3] },
      });
      assert.deepEqual(tasks, source.take(200));
      assert.deepEqual([...new Set(tasks.map(({ d }) => d))].sort(), depths);
      assert.equal(new Set(tasks.map(({ mode }) => mode)).size, 2);
      assert.equal(new Set(tasks.map(({ template }) => template)).size, split === 'fit' ? 1 : 2);
    }
  });

  it('write as many tokens as asked for, and count them again', async () => {
    const gz = `${out}.gz`;
    const made = await interplay('generate', '--tokens', '12.5k', '--ops', '2-6', '--out', gz, '--json');
    const { count, tokens, dropped } = JSON.parse(made.stdout);
    assert.ok(tokens >= 12_500 && tokens < 13_500, `${tokens}`);
    assert.equal(dropped, undefined);
    const seen = JSON.parse(
      (await interplay('inspect', gz, '--tokenizer', PAPER_TOKENIZER, '--json')).stdout,
    );
    assert.deepEqual([seen.count, seen.tokens], [count, tokens]);
    assert.ok(seen.lengths.tokens.max < 1000);
    const shown = await interplay('inspect', gz, '--tokenizer', PAPER_TOKENIZER);
    assert.match(shown.stdout, new RegExp(`${count} tasks, ${tokens.toLocaleString('en-US')} tokens, `));
    const other = await interplay('generate', '--count', '5', '--tokenizer', PAPER_TOKENIZER, '--out', out);
    assert.match(other.stdout, /: 5 tasks, [\d,]+ tokens, /);
  });

  it('leave out duplicates on request, and say how many', async () => {
    const words = ['--ops', '3', '--contexts', 'zoo', '--count', '20', '--unique', 'graph'];
    const made = await interplay('generate', ...words, '--out', out, '--json');
    const tasks = [...readTasks(out)];
    assert.equal(new Set(tasks.map(({ fingerprint }) => fingerprint)).size, 20);
    assert.equal(JSON.parse(made.stdout).dropped, tasks.at(-1)!.index! + 1 - 20);
    const shown = await interplay('generate', ...words, '--out', out);
    assert.match(shown.stdout, /: 20 tasks, \d+ duplicates left out, /);
  });

  it('refuse to inspect a file without tasks', async () => {
    for (const content of ['', '\n\n']) {
      writeFileSync(out, content);
      for (const words of [[], ['--json']]) {
        const { code, stderr, stdout: printed } = await interplay('inspect', out, ...words);
        assert.deepEqual([code, printed], [2, '']);
        assert.match(stderr, /^interplay: NO_TASKS: expected at least one task, got none in /);
      }
    }
  });

  it('inspect files of the reference', async function () {
    const path = fileURLToPath(new URL('../../../shared/reference/samples.jsonl', import.meta.url));
    if (!existsSync(path)) this.skip();
    const { count, modes, depths, splits, fingerprints } = JSON.parse(
      (await interplay('inspect', path, '--json')).stdout,
    );
    assert.equal(count, 150);
    assert.deepEqual(Object.keys(modes).sort(), ['forwardreverse', 'normalforward']);
    assert.deepEqual([depths, splits, fingerprints], [{ 2: 150 }, { unknown: 150 }, 0]);
  });

  it('refuse an output that is no task file, or cannot be written', async () => {
    const csv = await interplay('generate', '--count', '5', '--out', join(folder, 'tasks.csv'));
    assert.match(csv.stderr, /^interplay: OUT_FORMAT: /);
    writeFileSync(join(folder, 'file'), '');
    const below = await interplay('generate', '--count', '5', '--out', join(folder, 'file', 'tasks.jsonl'));
    assert.match(below.stderr, /^interplay: OUTPUT_UNWRITABLE: /);
    assert.deepEqual([csv.code, below.code], [2, 2]);
  });

  it('refuse to inspect what is no task file', async () => {
    assert.match((await interplay('inspect', out)).stderr, /^interplay: INPUT_UNREADABLE: /);
    writeFileSync(out, '{"problem": "x"}\n');
    const { code, stderr } = await interplay('inspect', out);
    assert.equal(code, 2);
    assert.match(stderr, /^interplay: TASK_RECORD: expected field question .* line 1; do /);
    assert.ok(existsSync(out));
  });

  describe('in a process of its own', function () {
    this.timeout(60_000);
    const program = fileURLToPath(new URL('../../bin/interplay.mjs', import.meta.url));

    it('says that no more can be written, and leaves nothing behind', () => {
      // A limit on the size of files stands for a full disk: the same call fails.
      const command = `ulimit -f 100; exec "${process.execPath}" "${program}" generate --count 2000 --out "${out}"`;
      const { status, stderr } = spawnSync('bash', ['-c', command], { encoding: 'utf8' });
      assert.equal(status, 2, stderr);
      assert.match(stderr, /^(?:.*\n)*interplay: OUTPUT_UNWRITABLE: .*EFBIG.*free space\n$/);
      assert.deepEqual(readdirSync(folder), []);
    });

    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      it(`ends with 130 on ${signal}, and leaves nothing behind`, async () => {
        const words = ['generate', '--count', '100000000', '--out', out];
        const child = spawn(process.execPath, [program, ...words], { stdio: ['ignore', 'ignore', 'pipe'] });
        let shown = '';
        child.stderr.on('data', (chunk) => {
          shown += chunk;
        });
        while (readdirSync(folder).length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
        child.kill(signal);
        const [code] = (await once(child, 'exit')) as [number];
        assert.equal(code, 130, shown);
        assert.match(shown, /CANCELLED/);
        assert.deepEqual(readdirSync(folder), []);
      });
    }
  });
});

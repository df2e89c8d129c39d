import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readJsonLines, writeJsonLines } from '../../src/core/jsonl.ts';
import { verify } from '../../src/verify/index.ts';
import { FORWARD, FORWARD_GRAPH, REVERSE } from '../verify/samples.ts';
import { interplay } from './commandLine.ts';

describe('interplay verify and analyze', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'interplay-verify-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const write = (name: string, rows: readonly unknown[]): string => {
    const path = join(folder, name);
    writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    return path;
  };
  const read = (path: string) =>
    readFileSync(path, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));

  it('adds the verdict to each row and keeps the rest', async () => {
    const rows = [
      { id: 'a', gold_solution: FORWARD, response: FORWARD, note: 'é' },
      { id: 'b', solution: REVERSE, response: 'no idea' },
      { id: 'c', solution: FORWARD, graph: FORWARD_GRAPH, response: FORWARD, stop_reason: 'length' },
    ];
    const out = join(folder, 'out.jsonl');
    const { code, stdout, stderr } = await interplay(
      'verify',
      '--in',
      write('in.jsonl', rows),
      '--out',
      out,
      '--json',
    );
    assert.deepEqual([code, stderr], [0, '']);
    assert.deepEqual(JSON.parse(stdout), {
      out,
      rows: 3,
      parsed: 2,
      answer_correct: 2,
      verified: 2,
      compatible_perfect: 2,
      process_accuracy: 2 / 3,
    });
    const plain = (value: unknown) => JSON.parse(JSON.stringify(value));
    assert.deepEqual(read(out), [
      plain({ ...rows[0], ...verify({ solution: FORWARD }, FORWARD) }),
      plain({ ...rows[1], ...verify({ solution: REVERSE }, 'no idea') }),
      plain({ ...rows[2], ...verify({ solution: FORWARD }, FORWARD, { truncated: true }) }),
    ]);
  });

  it('reads and writes rows as gzip', async () => {
    const rows = [{ id: 'a', solution: FORWARD, response: FORWARD }];
    const input = join(folder, 'in.jsonl.gz');
    const out = join(folder, 'out.jsonl.gz');
    writeJsonLines(input, rows);
    const { code, stderr } = await interplay('verify', '--in', input, '--out', out);
    assert.deepEqual([code, stderr], [0, '']);
    const judged = [...readJsonLines(out)].map(({ value }) => value);
    const expected = { ...rows[0], ...verify({ solution: FORWARD }, FORWARD) };
    assert.deepEqual(judged, [JSON.parse(JSON.stringify(expected))]);
  });

  it('refuses bad rows with file, line and field, and writes nothing', async () => {
    const good = { solution: FORWARD, response: '' };
    const cases: [unknown, string, RegExp][] = [
      [{ response: 'x' }, 'VERIFY_ROW', /"gold_solution" or "solution".*in\.jsonl line 2/],
      [{ solution: FORWARD }, 'VERIFY_ROW', /"response".*in\.jsonl line 2/],
      [{ solution: FORWARD, response: 3 }, 'VERIFY_ROW', /"response", got 3 in .*in\.jsonl line 2/],
      [{ ...good, truncated: 'yes' }, 'VERIFY_ROW', /"truncated"/],
      [[1], 'VERIFY_ROW', /an object, got \[1\]/],
      [
        { gold_solution: 'nothing', response: '' },
        'GOLD_UNPARSEABLE',
        /field "gold_solution" of .*in\.jsonl line 2/,
      ],
      [{ ...good, graph: { nodes: 3 } }, 'GOLD_GRAPH', /field "graph" of .*in\.jsonl line 2/],
    ];
    for (const [row, code, message] of cases) {
      const out = join(folder, 'out.jsonl');
      const result = await interplay('verify', '--in', write('in.jsonl', [good, row]), '--out', out);
      assert.equal(result.code, 2);
      assert.match(result.stderr, new RegExp(`^interplay: ${code}: `));
      assert.match(result.stderr, message);
      assert.equal(result.stderr.trimEnd().split('\n').length, 1);
      assert.deepEqual(readdirSync(folder), ['in.jsonl']);
    }
  });

  it('refuses missing and half-written files', async () => {
    const out = join(folder, 'out.jsonl');
    const missing = await interplay('verify', '--in', join(folder, 'none.jsonl'), '--out', out);
    assert.match(missing.stderr, /^interplay: INPUT_UNREADABLE: /);
    const path = write('in.jsonl', [{ solution: FORWARD, response: '' }]);
    writeFileSync(path, readFileSync(path, 'utf8').slice(0, -5));
    const half = await interplay('verify', '--in', path, '--out', out);
    assert.match(half.stderr, /^interplay: JSONL_LINE: .* line 1/);
    assert.deepEqual([missing.code, half.code, existsSync(out)], [2, 2, false]);
  });

  it('analyze makes tables of evaluation folders', async () => {
    const rows = [FORWARD, 'no idea'].map((response, i) => ({
      task_id: 't',
      sample_index: i,
      op: 12,
      template: 'crazy_zootopia',
      mode: 'normalforward',
      response,
      ...verify({ solution: FORWARD }, response),
    }));
    write('samples.jsonl', rows);
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ k: [1, 2], seed: 3 }));
    const out = join(folder, 'tables');
    const { code, stderr } = await interplay('analyze', folder, '--out', out);
    assert.deepEqual([code, stderr], [0, '']);
    const csv = readFileSync(join(out, 'pass_at_k.csv'), 'utf8').trim().split('\n');
    assert.equal(csv[0], 'evaluation,op,verifier,k,value,low,high,n,clusters');
    assert.equal(csv.length, 1 + 3 * 2);
    assert.match(csv[1]!, /,12,verified,1,0\.5,/);
    const json = JSON.parse(readFileSync(join(out, 'error_types.json'), 'utf8'));
    assert.deepEqual(
      json.slice(0, 2).map(({ type, share }: { type: string; share: number }) => [type, share]),
      [
        ['correct', 0.5],
        ['missing_nodes', 0.5],
      ],
    );
    const tables = ['error_types', 'first_errors', 'pass_at_k', 'pass_at_k_by_range'];
    assert.deepEqual(
      readdirSync(out).sort(),
      tables.flatMap((name) => ['csv', 'json', 'parquet'].map((format) => `${name}.${format}`)),
    );
  });

  it('analyze refuses rows without verdicts', async () => {
    write('samples.jsonl', [{ task_id: 't', sample_index: 0, op: 2, template: 'z', mode: 'm' }]);
    writeFileSync(join(folder, 'config.json'), '{}');
    const { code, stderr } = await interplay('analyze', folder, '--out', join(folder, 'tables'));
    assert.equal(code, 2);
    assert.match(stderr, /^interplay: EVALUATION_ROW: .*"verified".*samples\.jsonl line 1/);
    assert.ok(!existsSync(join(folder, 'tables')));
  });
});

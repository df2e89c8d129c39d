import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useBackend } from '../../src/backend/index.ts';
import { writeJsonLines } from '../../src/core/jsonl.ts';
import { disposeQwen2, saveModel } from '../../src/model/index.ts';
import { responseText } from '../../src/tasks/index.ts';
import { type StandIn, startStandIn } from '../evaluate/standIn.ts';
import { bytesOf, microTasks, rowsOf, tinyLoaded } from '../evaluate/tasks.ts';
import { interplay } from './commandLine.ts';

describe('interplay evaluate', () => {
  let folder: string;
  let server: StandIn;
  const tasks = microTasks(4);
  const at = (name: string) => join(folder, name);
  const evaluate = (out: string, ...options: string[]) =>
    interplay('evaluate', '--tasks', at('tasks.jsonl'), '--out', at(out), ...options);
  const model = () => ['--model', at('model'), '--samples', '2', '--max-tokens', '5', '--temperature', '1'];

  before(async () => {
    await useBackend('auto');
    folder = mkdtempSync(join(tmpdir(), 'interplay-evaluate-'));
    writeJsonLines(at('tasks.jsonl'), tasks);
    const { model, tokenizer } = tinyLoaded(tasks);
    saveModel(at('model'), model, tokenizer);
    disposeQwen2(model);
    server = await startStandIn({ tasks, key: 'sk-abc' });
  });
  after(async () => {
    await server?.close();
    if (folder) rmSync(folder, { recursive: true });
  });

  it('prints pass@k, and shares with their intervals, by op, range, context and mode', async () => {
    const rows = tasks.map((task, i) => ({
      id: task.id,
      responses: [responseText(task), i === 0 ? 'nothing' : responseText(task)],
      finish_reasons: ['stop', i === 0 ? 'length' : 'stop'],
    }));
    writeJsonLines(at('responses.jsonl'), rows);
    const { code, stdout } = await evaluate('file', '--responses', at('responses.jsonl'));
    assert.equal(code, 0);
    const lines = stdout.split('\n');
    assert.match(lines[1]!, /^ +problems +pass@1 +pass@2$/);
    // 7 of 8 samples are right, and every problem has a right one.
    assert.match(stdout, /^all +4 +0\.875 +1\.000$/m);
    assert.match(stdout, /^ +verified +answer +reference +unparsed +truncated$/m);
    assert.match(stdout, /^all +0\.875 \.\d\d–1\.\d\d +0\.875 .* 0\.125 \.?\d/m);
    for (const name of ['op', 'range id', 'context crazy_zootopia', 'mode']) {
      assert.match(stdout, new RegExp(`^${name}`, 'm'));
    }
    const json = await evaluate('file', '--responses', at('responses.jsonl'), '--json');
    const saved = JSON.parse(bytesOf(at('file'), 'metrics.json'));
    assert.deepEqual(JSON.parse(json.stdout), saved);
    const { answer_correct, verified, unanswered, errors } = saved.by_context.crazy_zootopia;
    assert.deepEqual(
      [answer_correct.value, verified.value, unanswered.value, errors.unparsed.value, errors.truncated.value],
      [7 / 8, 7 / 8, 1 / 8, 1 / 8, 1 / 8],
    );
  });

  it('says how many tasks have no response', async () => {
    writeJsonLines(at('few.jsonl'), [{ id: tasks[0]!.id, response: responseText(tasks[0]!) }]);
    const few = await evaluate('few', '--responses', at('few.jsonl'));
    assert.match(few.stdout, /^all +4 +–$/m);
    assert.match(
      few.stdout,
      /^3 of 4 tasks have no response: nothing is defined over them \(--missing wrong/m,
    );
    const wrong = await evaluate('wrong', '--responses', at('few.jsonl'), '--missing', 'wrong');
    assert.match(wrong.stdout, /^all +4 +0\.250$/m);
    // Analysing the folder does not leave them out either.
    await interplay('analyze', at('few'), '--out', at('few-tables'));
    const table = JSON.parse(readFileSync(at('few-tables/pass_at_k_by_range.json'), 'utf8'));
    assert.deepEqual([table[0].n, table[0].value], [4, null]);
    // Responses to tasks behind the limit are no mistake; others are.
    assert.equal((await evaluate('limit', '--responses', at('responses.jsonl'), '--limit', '2')).code, 0);
    writeJsonLines(at('other.jsonl'), [{ id: 'other', response: 'x' }]);
    assert.match(
      (await evaluate('other', '--responses', at('other.jsonl'))).stderr,
      /RESPONSES_TASK.*line 1/,
    );
    assert.equal(existsSync(at('other')), false);
  });

  it('asks a server, with the key from the environment and in no file', async () => {
    process.env.INTERPLAY_TEST_KEY = 'sk-abc';
    try {
      const how = [
        '--server',
        server.url,
        '--served-model',
        'stand-in',
        '--samples',
        '2',
        '--concurrency',
        '2',
      ];
      const { code, stderr } = await evaluate('served', ...how, '--api-key-env', 'INTERPLAY_TEST_KEY');
      assert.equal(code, 0, stderr);
      assert.equal(rowsOf(at('served')).length, 8);
      for (const name of ['config.json', 'metrics.json', 'samples.jsonl']) {
        assert.ok(!bytesOf(at('served'), name).includes('sk-abc'), name);
      }
      const none = await evaluate('keyless', ...how);
      assert.match(none.stderr, /SERVER_REFUSED: .*401 .*--api-key-env/);
      const unset = await evaluate('unset', ...how, '--api-key-env', 'INTERPLAY_TEST_NONE');
      assert.match(unset.stderr, /SERVER_KEY: .*INTERPLAY_TEST_NONE/);
    } finally {
      delete process.env.INTERPLAY_TEST_KEY;
    }
  });

  it('samples nothing that a cache knows, and says so', async () => {
    const first = await evaluate('a', ...model(), '--cache', at('cache'), '--limit', '3');
    assert.match(first.stderr, /cache: 0 samples reused, 6 new; .* holds 3 entries, /);
    const second = await evaluate('b', ...model(), '--cache', at('cache'));
    assert.match(second.stderr, /cache: 6 samples reused, 2 new; /);
    await evaluate('c', ...model());
    assert.equal(bytesOf(at('b')), bytesOf(at('c')));
    assert.equal(bytesOf(at('c')).startsWith(bytesOf(at('a'))), true, '--limit takes the first tasks');
  });

  it('scores saved samples again', async () => {
    await evaluate('again', ...model());
    const expected = bytesOf(at('again'));
    const path = join(at('again'), 'samples.jsonl');
    writeFileSync(
      path,
      expected.replaceAll('"verified":false', '"verified":true').replaceAll('"errors"', '"x"'),
    );
    assert.match((await evaluate('again', ...model())).stderr, /EVALUATION_ROW: .*line 1; .*--rescore/);
    assert.equal((await evaluate('again', ...model(), '--rescore')).code, 0);
    assert.deepEqual(
      rowsOf(at('again')).map(({ verified, errors }) => [verified, errors]),
      expected
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line))
        .map(({ verified, errors }) => [verified, errors]),
    );
  });

  it('takes stop strings', async () => {
    await evaluate('free', ...model(), '--max-tokens', '20');
    const letter = rowsOf(at('free'))[0]!.response.trim()[2]!;
    await evaluate('stopped', ...model(), '--max-tokens', '20', '--stop', letter, '--stop', 'never said');
    const free = rowsOf(at('free'));
    for (const [i, { response }] of rowsOf(at('stopped')).entries()) {
      const whole = free[i]!.response;
      const end = whole.indexOf(letter) + letter.length;
      assert.equal(response, whole.includes(letter) ? whole.slice(0, end) : whole);
    }
    assert.deepEqual(JSON.parse(bytesOf(at('stopped'), 'config.json')).stop, [letter, 'never said']);
  });

  it('refuses none or several sources, and half of what a server needs', async () => {
    const cases: [string[], RegExp][] = [
      [[], /OPTION_CONFLICT: .*got none/],
      [['--model', at('model'), '--responses', at('responses.jsonl')], /got --model and --responses/],
      [['--server', server.url], /--served-model/],
      [['--server', 'nowhere', '--served-model', 'm'], /SERVER_URL/],
      [['--responses', at('responses.jsonl'), '--missing', 'maybe'], /USAGE/],
      [['--run', folder, '--checkpoints', 'every:x'], /USAGE/],
      [['--run', folder], /SWEEP_CHECKPOINTS/],
    ];
    for (const [options, message] of cases) {
      const { code, stderr } = await evaluate('refused', ...options);
      assert.equal(code, 2, options.join(' '));
      assert.match(stderr, message);
      assert.equal(existsSync(at('refused')), false, options.join(' '));
    }
  });
});

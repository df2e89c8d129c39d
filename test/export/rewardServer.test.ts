import assert from 'node:assert/strict';
import { rewardResults, startRewardServer } from '../../src/export/index.ts';
import { createTaskSource, responseText } from '../../src/tasks/index.ts';
import { REWARD_NAMES, rewardByName, verify } from '../../src/verify/index.ts';

const task = createTaskSource({ world: 'micro', ops: '3', split: 'train', seed: 1 }).at(0);
const right = responseText(task);
const wrong = right.replace(/<answer> \d+/, '<answer> 999');
const row = { solution: task.solution, graph: task.graph, response: wrong };

describe('rewards over HTTP', () => {
  it('are those of the verifier, by name', () => {
    const verdict = verify(task, wrong);
    const [result] = rewardResults({ rows: [row] });
    assert.deepEqual(
      result!.rewards,
      Object.fromEntries(REWARD_NAMES.map((name) => [name, rewardByName(name)(verdict)])),
    );
    assert.equal(result!.rewards['composite-0.5'], 0.5);
    assert.deepEqual(
      [result!.verified, result!.answer_correct, result!.process_accuracy, result!.errors],
      [false, false, 1, ['answer_mismatch']],
    );
    const some = rewardResults({
      rows: [row, { ...row, response: right }],
      rewards: ['strict', 'composite-0.3'],
    });
    assert.deepEqual(
      some.map(({ rewards }) => rewards),
      [
        { strict: 0, 'composite-0.3': 0.7 },
        { strict: 1, 'composite-0.3': 1 },
      ],
    );
    assert.deepEqual(rewardResults(row), rewardResults({ rows: [row] }), 'one row by itself');
  });

  it('nothing unreadable gets a reward', () => {
    const refused = (request: unknown, code: string, message: RegExp) =>
      assert.throws(() => rewardResults(request), { code, message });
    for (const request of [null, 7, [], {}]) refused(request, 'VERIFY_ROW', /row 1 of the request/);
    refused({ rows: {} }, 'REWARD_REQUEST', /rows/);
    refused({ rows: [row], rewards: 'strict' }, 'REWARD_REQUEST', /rewards/);
    refused({ rows: [row], rewards: ['nice'] }, 'REWARD_NAME', /nice/);
    refused({ rows: [row, { solution: 'x', response: 'y' }] }, 'GOLD_UNPARSEABLE', /row 2/);
  });

  it('a server answers, refuses with codes, and frees its port', async () => {
    const server = await startRewardServer({ port: 0 });
    const post = async (body: string, path = '/reward') => {
      const reply = await fetch(server.url + path, { method: 'POST', body });
      return [reply.status, await reply.json()] as [number, { error?: { code: string; message: string } }];
    };
    try {
      assert.match(server.url, /^http:\/\/127\.0\.0\.1:\d+$/);
      const names = await (await fetch(server.url)).json();
      assert.deepEqual(names, { rewards: REWARD_NAMES });
      const [status, reply] = await post(JSON.stringify({ rows: [row, row] }));
      assert.equal(status, 200);
      assert.deepEqual(reply, { results: rewardResults({ rows: [row, row] }) });
      for (const [body, path, code] of [
        ['{"rows": [', '/reward', 'JSON_FILE'],
        ['{}', '/reward', 'VERIFY_ROW'],
        ['{}', '/rewards', 'REWARD_REQUEST'],
      ] as const) {
        const [wrong, { error }] = await post(body, path);
        assert.deepEqual([wrong, error?.code], [400, code]);
        assert.match(error!.message, /expected/);
      }
      const many = await Promise.all(Array.from({ length: 30 }, () => post(JSON.stringify(row))));
      assert.ok(many.every(([code]) => code === 200));

      const port = Number(new URL(server.url).port);
      await assert.rejects(startRewardServer({ port }), { code: 'REWARD_ADDRESS', message: /EADDRINUSE/ });
      await server.close();
      const again = await startRewardServer({ port });
      await again.close();
    } finally {
      await server.close();
    }
    await assert.rejects(startRewardServer({ host: '203.0.113.7', port: 0 }), { code: 'REWARD_ADDRESS' });
  });

  it('refuses a body that is too long', async () => {
    const server = await startRewardServer({ port: 0 });
    try {
      const body = ' '.repeat(65 * 2 ** 20);
      const reply = await fetch(`${server.url}/reward`, { method: 'POST', body }).catch(() => null);
      // The connection may end before the whole body is sent.
      if (reply !== null) assert.equal(reply.status, 400);
      const alive = await fetch(server.url);
      assert.equal(alive.status, 200);
    } finally {
      await server.close();
    }
  });
});

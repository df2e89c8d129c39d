/** The command that solves a file's problems from their texts. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeJsonLines } from '../../src/core/jsonl.ts';
import { createTaskSource } from '../../src/tasks/index.ts';

const COMMAND = fileURLToPath(new URL('solve-file.ts', import.meta.url));

describe('solve-file', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'solve-file-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  const run = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, ['--import', 'tsx', COMMAND, ...args], { encoding: 'utf8' });

  it('passes what is right and names what is not', () => {
    const tasks = createTaskSource({ modes: ['forward', 'reverse'], ops: '5-8' }).take(60);
    const path = join(folder, 'tasks.jsonl');
    writeJsonLines(path, tasks);
    const right = run(path, '--full');
    assert.equal(right.stderr, '');
    assert.equal(right.status, 0);
    assert.match(right.stdout, /^normalforward, depth 2: \d+ solved, 0 failed$/m);
    assert.match(right.stdout, /^forwardreverse, depth 2: \d+ solved, 0 failed$/m);
    assert.match(right.stdout, /^60 problems in .* s: .*\/s solving alone$/m);

    const spoilt = tasks.map((task, i) =>
      i === 2 ? { ...task, solution: task.solution.replace(/Answer: /, 'Answer: 1') } : task,
    );
    writeJsonLines(path, spoilt);
    const wrong = run(path);
    assert.equal(wrong.status, 1);
    assert.match(
      wrong.stderr,
      /tasks\.jsonl record 3 \(op \d+, \w+, depth 2\): the text says (\d+), the record 1\1$/m,
    );
    assert.match(wrong.stdout, /, 1 failed$/m);
  });

  it('says what it cannot read', () => {
    const missing = run(join(folder, 'missing.jsonl'));
    assert.equal(missing.status, 2);
    assert.match(missing.stderr, /missing\.jsonl/);
    assert.equal(run().status, 2);
  });
});

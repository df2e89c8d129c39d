import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LaunchedKernel, launchKernel } from '../../src/kernel/launch.ts';
import type { JsonObject } from '../../src/kernel/protocol.ts';

for (const type of ['module', 'commonjs']) {
  describe(`changed local modules in a package of type ${type}`, function () {
    this.timeout(120_000);
    let kernel: LaunchedKernel;
    let folder: string;
    const write = (name: string, text: string) => writeFileSync(join(folder, 'src', name), text);
    const run = async (code: string) => {
      const { reply, messages } = await kernel.client.execute(code);
      const traceback = reply.traceback as string[] | undefined;
      const result = messages.find(({ header }) => header.msg_type === 'execute_result')?.content.data;
      return { error: traceback?.join('\n'), value: (result as JsonObject | undefined)?.['text/plain'] };
    };
    const value = async (code: string) => {
      const { error, value } = await run(code);
      assert.equal(error, undefined);
      return value;
    };
    const CELL =
      'import { top, state } from "../src/top.ts"; import { Leaf } from "../src/leaf.ts"; state.count++; [top(), state.count, new Leaf().version]';

    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'interplay-reload-'));
      mkdirSync(join(folder, 'notebooks'));
      mkdirSync(join(folder, 'src'));
      writeFileSync(join(folder, 'package.json'), JSON.stringify({ type }));
      write('leaf.ts', 'export const leaf = 1; export class Leaf { version = 1 }');
      write('state.ts', 'export const state = { count: 0 };');
      write('middle.ts', 'import { leaf } from "./leaf.ts"; export const middle = () => leaf * 10;');
      write(
        'top.ts',
        'export { state } from "./state.ts"; import { middle } from "./middle.ts"; export const top = () => middle() + 1;',
      );
      write('inner.cjs', 'module.exports = { inner: 1 }');
      write('outer.cjs', 'module.exports = { outer: require("./inner.cjs").inner }');
      write('data.json', '{ "x": 1 }');
      kernel = await launchKernel({ cwd: join(folder, 'notebooks'), typeCheck: 'off' });
    });
    after(async () => {
      await kernel.close();
      rmSync(folder, { recursive: true });
    });

    it('nothing is evaluated again while nothing changes', async () => {
      assert.equal(await value(CELL), '[ 11, 1, 1 ]');
      assert.equal(await value(CELL), '[ 11, 2, 1 ]');
    });

    it('a change far below reaches the cell; what does not depend on it keeps its state', async () => {
      await value('const old = new Leaf();');
      write('leaf.ts', 'export const leaf = 22; export class Leaf { version = 22 }');
      assert.equal(await value(CELL), '[ 221, 3, 22 ]');
      // Old objects keep their class.
      assert.equal(await value('[old.version, old instanceof Leaf]'), '[ 1, false ]');
    });

    it('import() too, and a second change', async () => {
      write('leaf.ts', 'export const leaf = 333; export class Leaf { version = 333 }');
      assert.equal(
        await value(
          '(await import("../src/top.ts")).top?.() ?? (await import("../src/top.ts")).default.top()',
        ),
        '3331',
      );
    });

    it('CommonJS and JSON, by import and by require', async () => {
      const cell =
        'import made from "../src/outer.cjs"; import data from "../src/data.json"; [made.outer, data.x, require("../src/outer.cjs").outer]';
      assert.equal(await value(cell), '[ 1, 1, 1 ]');
      write('inner.cjs', 'module.exports = { inner: 22 }');
      assert.equal(await value('require("../src/outer.cjs").outer'), '22');
      write('data.json', '{ "x": 22 }');
      assert.equal(await value(cell), '[ 22, 22, 22 ]');
      write('inner.cjs', 'module.exports = { inner: 333 }');
      assert.equal(await value(cell), '[ 333, 22, 333 ]');
    });

    it('a module that was broken from the start can be repaired, below and at the top', async () => {
      write('low.ts', 'export const low = ;');
      write('high.ts', 'import { low } from "./low.ts"; export const high = low + 1;');
      assert.ok((await run('import { high } from "../src/high.ts"; high')).error);
      assert.ok((await run('import { high } from "../src/high.ts"; high')).error);
      write('low.ts', 'export const low = 5;');
      assert.equal(await value('import { high } from "../src/high.ts"; high'), '6');
    });

    it('a module that breaks can be repaired, and its errors name the line in the file', async () => {
      write('leaf.ts', 'export const leaf = ;');
      assert.match((await run(CELL)).error ?? '', /leaf\.ts/);
      write(
        'leaf.ts',
        'export const leaf = 4; export class Leaf { version = 4;\n  fail(): never { throw new Error("new") } }',
      );
      assert.equal(await value(CELL), '[ 41, 4, 4 ]');
      assert.match((await run('new Leaf().fail()')).error ?? '', /src\/leaf\.ts:2:25/);
    });
  });
}

/** Reward functions of one's own: what they may do wrong, and what is read of them. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JudgedResponse, RewardFunction } from '../../src/rl/index.ts';
import { openRewards } from '../../src/rl/rewards.ts';
import type { Verdict } from '../../src/verify/index.ts';

const verdict = {} as Verdict;
const response = {} as JudgedResponse;
const part = (name: string) => [{ name, export: 'default', weight: 1 }];
const own = (mine: unknown) => openRewards(part('mine'), { mine: mine as RewardFunction });

describe('rewards of one’s own', () => {
  const folder = mkdtempSync(join(tmpdir(), 'interplay-rewards-'));
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('that throw, or give no finite number, are the user’s errors', async () => {
    const throws = () => {
      throw new Error('no such\nfield');
    };
    const wrong = [throws, () => Number.NaN, async () => 1, () => '1', () => Object.create(null)];
    for (const mine of wrong) {
      const { pay } = await own(mine);
      assert.throws(() => pay(verdict, response), { code: 'REWARD_VALUE', message: /mine/ });
    }
    const { pay } = await own(throws);
    assert.throws(() => pay(verdict, response), { message: /no such field/ });
  });

  it('whose weighted sum leaves the range of doubles are refused', async () => {
    const parts = ['one', 'two'].map((name) => ({ name, export: 'default', weight: 1e308 }));
    const { pay } = await openRewards(parts, { one: () => 10, two: () => -10 });
    assert.throws(() => pay(verdict, response), { code: 'REWARD_VALUE' });
  });

  it('that are no functions are refused at once', async () => {
    await assert.rejects(own(3), { code: 'REWARD_MODULE', message: /mine/ });
  });

  it('are read again when their module has changed', async () => {
    for (const [name, text] of [
      ['pay.ts', 'export const pay = (): number =>'],
      ['pay.mjs', 'export const pay = () =>'],
      ['pay.cjs', 'exports.pay = () =>'],
    ]) {
      const module = join(folder, name!);
      const paid = async (value: number) => {
        writeFileSync(module, `${text} ${value};\n`);
        const { pay, modules } = await openRewards([{ module, export: 'pay', weight: 1 }]);
        return [pay(verdict, response).score, modules[module]] as const;
      };
      const [first, second] = [await paid(1), await paid(2)];
      assert.deepEqual([first[0], second[0]], [1, 2], name);
      assert.notEqual(first[1], second[1]);
    }
  });
});

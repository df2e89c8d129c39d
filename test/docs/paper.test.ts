/** docs/paper.md says what the program does: every default is there, with its value, and nothing else is. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { PAPER_BUDGETS, PAPER_ROLLOUTS, PAPER_SHARES, WL_ROUNDS } from '../../src/analysis/index.ts';
import { DEFAULT_LEVEL, DEFAULT_REPLICATES } from '../../src/evaluate/bootstrap.ts';
import { DEFAULT_RANGES } from '../../src/evaluate/index.ts';
import * as figures from '../../src/figures/index.ts';
import { type ModelPreset, modelPreset } from '../../src/model/index.ts';
import { parseGrpoConfig } from '../../src/rl/config.ts';
import { parseRmtConfig, RMT_PRESETS } from '../../src/rl/rmt/index.ts';
import { optimizerFields, recordFields, samplingFields } from '../../src/rl/runFields.ts';
import { defaultSampleSettings } from '../../src/sample/settings.ts';
import { DEFAULT_IDENTITY, DEFAULT_SPLITS, mixturePresets, PAPER_WORLD } from '../../src/tasks/index.ts';
import { parsePretrainConfig } from '../../src/train/config.ts';
import { VALUE_TOLERANCE } from '../../src/verify/index.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(fileURLToPath(new URL(path, root)), 'utf8');
const page = read('docs/paper.md');

/** Leaves of settings as `path: JSON`. */
function leaves(value: unknown, path: string): [string, string][] {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    return [[path, JSON.stringify(value)]];
  return Object.entries(value).flatMap(([key, part]) => leaves(part, `${path}.${key}`));
}

/** Numbers as JSON writes them, whichever way they are written in the page. */
const plain = (json: string) => JSON.stringify(JSON.parse(json));

/** Settings that `grpo` and `rmt` share. */
const SHARED = new Set(Object.keys({ ...samplingFields, ...optimizerFields, ...recordFields }));

/** The row of a setting: one for both programs where they share it. */
function rowOf(key: string): string {
  const match = /^(?:grpo|rmt)\.(\w+)$/.exec(key);
  return match !== null && SHARED.has(match[1]!) ? `rl.${match[1]}` : key;
}

/** Defaults of settings, those of optional parts included; what is only there because it must be given is left out. */
function defaults(): Map<string, string> {
  const found = new Map<string, string>();
  const add = (value: unknown, path: string, given: readonly string[] = []) => {
    for (const [key, json] of leaves(value, path)) {
      const skipped = given.some((name) => key === `${path}.${name}`);
      const row = rowOf(key);
      if (row.startsWith('rl.')) assert.equal(found.get(row) ?? json, json, `${key} is not that of both`);
      if (!skipped && !found.has(row)) found.set(row, json);
    }
  };
  add(parsePretrainConfig({}), 'pretrain');
  const mid = {
    init: 'M',
    remit: { reference: 'R' },
    length_warmup: { from: 8, to: 9, steps: 1 },
    data: { thinking: {} },
  };
  add(parsePretrainConfig(mid), 'pretrain', [
    'init',
    'remit.reference',
    ...['from', 'to', 'steps'].map((name) => `length_warmup.${name}`),
  ]);
  add(parseGrpoConfig({ init: 'M' }), 'grpo', ['init']);
  add(
    parseGrpoConfig({
      init: 'M',
      edge: { evaluation: 'E', k: 2, at_most: 0, at_least: 1 },
      budget: { token_equivalents: 1 },
      objective: { dynamic_sampling: {} },
    }),
    'grpo',
    [
      'init',
      'budget.token_equivalents',
      ...['evaluation', 'k', 'at_most', 'at_least'].map((name) => `edge.${name}`),
    ],
  );
  add(parseGrpoConfig({ init: 'M', curriculum: { ops: ['2', '3'] } }).curriculum, 'grpo.curriculum', ['ops']);
  addMidTraining(add, found);
  add(PAPER_WORLD, 'world.paper', ['name']);
  add(DEFAULT_SPLITS, 'splits');
  add(DEFAULT_IDENTITY, 'identity');
  add(defaultSampleSettings, 'sample');
  add(DEFAULT_RANGES, 'evaluate.ranges');
  add(DEFAULT_REPLICATES, 'evaluate.replicates');
  add(DEFAULT_LEVEL, 'evaluate.level');
  add(Number(/^const SAMPLES = (\d+);/m.exec(read('src/cli/evaluate.ts'))![1]), 'evaluate.samples');
  add(VALUE_TOLERANCE, 'verify.tolerance');
  add(WL_ROUNDS, 'similarity.rounds');
  add(PAPER_ROLLOUTS, 'budget');
  add(PAPER_BUDGETS, 'budget.tokens');
  add(PAPER_SHARES, 'budget.shares');
  return found;
}

/**
 * Defaults and presets of `rmt`. What another program's schema gives has that program's row, but for what is different
 * here or stated by the preset.
 */
function addMidTraining(
  add: (value: unknown, path: string, given?: string[]) => void,
  found: Map<string, string>,
) {
  const { data, objective, ...own } = parseRmtConfig({ init: 'M' });
  add(own, 'rmt', ['init']);
  const { rpt, rlp, rmt } = RMT_PRESETS;
  const stated = new Set(leaves(rmt, 'rmt').map(([key]) => key));
  const borrowed = [...leaves(data, 'rmt.data'), ...leaves(objective, 'rmt.objective')];
  for (const [key, json] of borrowed) {
    const other = key.replace(/^rmt\.data/, 'pretrain.data').replace(/^rmt\.objective/, 'grpo.objective');
    if (stated.has(key) || found.get(other) !== json) add(JSON.parse(json), key);
  }
  const { objective: asRmt, ...changes } = rpt;
  assert.equal(asRmt, rmt.objective, 'the objective of RPT is that of RMT');
  add(changes, 'rpt');
  add(rlp, 'rlp');
}

describe('docs/paper.md', () => {
  const rows = [...page.matchAll(/^\| `([\w.-]+)` \| `([^`]*)` \| ([^|]+) \|([^|]*)\|$/gm)].map(
    ([, key, value, paper, reason]) => ({
      key: key!,
      value: value!,
      paper: paper!,
      reason: reason!,
    }),
  );
  const stated = new Map(rows.map(({ key, value }) => [key, plain(value)]));

  it('has each setting once, with its place in the paper or a dash', () => {
    assert.equal(stated.size, rows.length, 'a setting is there twice');
    assert.ok(rows.length > 150, `${rows.length} settings`);
    for (const { key, paper } of rows) assert.ok(paper.trim() !== '', key);
  });

  it('has every default of every schema, with its value, and no other', () => {
    const actual = defaults();
    const models = new Map([...stated].filter(([key]) => key.startsWith('model.')));
    const others = new Map([...stated].filter(([key]) => !key.startsWith('model.')));
    const sorted = (map: Map<string, string>) => Object.fromEntries([...map].sort());
    assert.deepEqual(sorted(others), sorted(actual));
    for (const [key, value] of models) {
      const [, preset, field] = key.split('.');
      const config = modelPreset(preset as ModelPreset) as unknown as Record<string, unknown>;
      assert.equal(value, JSON.stringify(config[field!]), key);
    }
  });

  it('has a row for every figure and table of the paper, and every figure function in a row', () => {
    const section = page.slice(page.indexOf('## Figures and tables'));
    const rowsOf = (what: string) =>
      [...section.matchAll(new RegExp(`^\\| ${what} (\\d+) \\|`, 'gm'))].map(([, number]) => Number(number));
    assert.deepEqual(
      rowsOf('Figure'),
      Array.from({ length: 18 }, (_, i) => i + 1),
    );
    assert.deepEqual(rowsOf('Table'), [1, 2, 3]);
    const drawing = Object.keys(figures).filter((name) =>
      /^(?:draw|passAtK|errorTypes|lossCurves|trainingCurve|bars|heatMap|histograms|runCurves|dynamics|budgetGrid|sideBySide|figure\d|table\d)/.test(
        name,
      ),
    );
    assert.ok(drawing.length > 8, `${drawing.length} functions`);
    for (const name of drawing) assert.ok(section.includes(`\`${name}\``), name);
    for (const name of drawing.filter((one) => /^(?:figure|table)\d+$/.test(one))) {
      const [, what, number] = /^([a-z]+)(\d+)$/.exec(name)!;
      assert.match(section, new RegExp(`^\\| ${what} ${number} \\|.*\`${name}\``, 'im'));
    }
  });

  it('has a reason for every setting of mid-training that no source states, and names all its presets', () => {
    const section = page.slice(page.indexOf('## Reinforcement mid-training'));
    const own = rows.filter(({ key }) => /^(?:rmt|rpt|rlp)\./.test(key));
    assert.ok(own.length > 50, `${own.length} settings`);
    for (const { key, paper, reason } of own)
      if (/not found/.test(paper)) assert.ok(reason.trim() !== '', key);
    for (const name of Object.keys(RMT_PRESETS)) assert.match(section, new RegExp(`\`"?${name}"?\``), name);
  });

  it('maps formulas to functions that exist where it says', () => {
    const table = page.slice(page.indexOf('| Formula | Paper | Code |')).split('\n\n')[0]!;
    const formulas = table.split('\n').slice(2);
    assert.ok(formulas.length > 15, `${formulas.length} formulas`);
    for (const row of formulas) {
      const places = [...row.matchAll(/((?:`\w+`(?:, )?)+) in \[([\w.]+)\]\(\.\.\/(src\/[\w/.]+)\)/g)];
      assert.ok(places.length > 0, row);
      for (const [, names, label, path] of places) {
        assert.ok(path!.endsWith(`/${label}`), row);
        const source = read(path!);
        for (const [, name] of names!.matchAll(/`(\w+)`/g))
          assert.match(source, new RegExp(`^export (?:async )?function\\*? ${name}\\(`, 'm'), row);
      }
    }
  });

  it('names mixtures that exist', () => {
    const presets = Object.keys(mixturePresets());
    for (const [, name] of page.matchAll(/`(paper-[\w.-]+)`/g)) {
      if (/…|paper-100m|paper-tokenizer/.test(name!)) continue;
      assert.ok(presets.includes(name!), name);
    }
  });

  it('links to pages that exist', () => {
    for (const [, path] of page.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g))
      read(new URL(path!, new URL('docs/', root)).pathname.slice(root.pathname.length));
  });
});

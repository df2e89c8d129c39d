/**
 * Every preset against the numbers that PAPER.md §4.3 (the reference's file) and §4.5 (the paper's Table 2)
 * give, typed here from the text. Percentages and shares are copied as they stand there.
 */
import assert from 'node:assert/strict';
import { loadMixture, type Mixture, mixturePresets, resolveMixture } from '../../src/tasks/index.ts';

/** Shares by `context op` (zoo, school, festival), modes added up, sum 1. */
function shares(name: string): Map<string, number> {
  const table = new Map<string, number>();
  for (const { context, op, weight } of resolveMixture(loadMixture(name))) {
    const key = `${context.alias} ${op}`;
    table.set(key, (table.get(key) ?? 0) + weight);
  }
  return table;
}

/** Rounding of a few hundred additions and divisions of numbers below 1. */
const TOLERANCE = 1e-12;

/** Compares a preset with unnormalised shares by context and op. */
function assertShares(name: string, expected: ReadonlyMap<string, number>): void {
  const found = shares(name);
  const wanted = [...expected].filter(([, share]) => share > 0);
  const sum = wanted.reduce((total, [, share]) => total + share, 0);
  assert.deepEqual([...found.keys()].sort(), wanted.map(([key]) => key).sort(), name);
  for (const [key, share] of wanted) {
    const difference = Math.abs(found.get(key)! - share / sum);
    assert.ok(difference < TOLERANCE, `${name}, ${key}: ${found.get(key)}, not ${share / sum}`);
  }
}

type Shares = readonly number[];
interface Part {
  contexts: Readonly<Partial<Record<'zoo' | 'school' | 'festival', number>>>;
  /** Op of the first share. */
  from: number;
  ops: Shares;
}

/** Products of context and op shares, added over the parts. */
function product(parts: readonly Part[]): Map<string, number> {
  const table = new Map<string, number>();
  for (const { contexts, from, ops } of parts) {
    for (const [context, weight] of Object.entries(contexts)) {
      for (const [i, share] of ops.entries()) {
        const key = `${context} ${from + i}`;
        table.set(key, (table.get(key) ?? 0) + weight * share);
      }
    }
  }
  return table;
}

const times = (count: number, share: number): number[] => Array<number>(count).fill(share);
/** `count` ops that share `whole` alike. */
const alike = (count: number, whole = 1): number[] => times(count, whole / count);
const THIRDS = { zoo: 1 / 3, school: 1 / 3, festival: 1 / 3 };
const inThirds = (from: number, ops: Shares): Part[] => [{ contexts: THIRDS, from, ops }];
/** Three shares over op 2–4, 5–7 and 8–10. */
const byHardness = (easy: number, medium: number, hard: number): Part[] =>
  inThirds(2, [...alike(3, easy), ...alike(3, medium), ...alike(3, hard)]);

const checked = new Set<string>();
function check(name: string, parts: readonly Part[], modes: 'open' | 'both' = 'open'): void {
  checked.add(name);
  it(name, () => {
    assertShares(name, product(parts));
    const given = mixturePresets()[name]!.components.map((component) => component.modes);
    for (const one of given) {
      if (modes === 'open') assert.equal(one, undefined, 'the caller chooses the modes');
      else assert.deepEqual(one, ['forward', 'reverse']);
    }
    const cells = resolveMixture(loadMixture(name));
    const reverse = cells.filter(({ mode }) => mode === 'forwardreverse');
    const share = reverse.reduce((sum, { weight }) => sum + weight, 0);
    assert.ok(Math.abs(share - (modes === 'open' ? 0 : 0.5)) < TOLERANCE, `${share} in reverse`);
  });
}

/** Sum of all the shares that a preset's file gives, components weighted, before any normalisation. */
function storedSum(mixture: Mixture): number {
  return mixture.components.reduce((sum, { weight = 1, ops }) => {
    const stored = typeof ops === 'string' ? 1 : Object.values(ops).reduce((a, b) => a + b, 0);
    return sum + weight * stored;
  }, 0);
}

/** The sums of §4.3, of shares as stored; rounding of a score of decimal fractions. */
function stores(name: string, sum: number): void {
  it(`${name} stores shares of sum ${sum}`, () =>
    assert.ok(Math.abs(storedSum(mixturePresets()[name]!) - sum) < 1e-9));
}

describe('presets of the reference’s file (§4.3)', () => {
  describe('op_level', () => {
    check('id2-10_uniform', inThirds(2, [...times(8, 0.11), 0.12]));
    const main = [0.06, 0.06, 0.08, 0.1, 0.1, 0.1, 0.16, 0.16, 0.18];
    check('id2-10_0.2easy_0.3medium_0.5hard', inThirds(2, main));
    check('id2-10_0.2easy_0.3medium_0.5hard@as-released', inThirds(2, main.with(1, 0.86)));
    stores('id2-10_0.2easy_0.3medium_0.5hard', 1);
    stores('id2-10_0.2easy_0.3medium_0.5hard@as-released', 1.8);
    check(
      'id2-10_0.5easy_0.3medium_0.2hard',
      inThirds(2, [0.18, 0.16, 0.16, 0.1, 0.1, 0.1, 0.08, 0.06, 0.06]),
    );
    const tenth = 'id2-10_0.4995easy_0.4995medium_0.001hard';
    check(tenth, byHardness(0.4995, 0.4995, 0.001));
    check(`${tenth}@as-released`, inThirds(2, [...times(6, 0.1665), ...times(3, 0.003)]));
    stores(`${tenth}@as-released`, 1.008);
    const one = 'id2-10_0.495easy_0.495medium_0.01hard';
    check(one, byHardness(0.495, 0.495, 0.01));
    check(`${one}@as-released`, inThirds(2, [...times(6, 0.165), ...times(3, 0.0033)]));
    stores(`${one}@as-released`, 0.9999);
    const five = 'id2-10_0.475easy_0.475medium_0.05hard';
    const fiveHalf = [0.1583, 0.1583, 0.1584];
    check(five, byHardness(0.475, 0.475, 0.05));
    check(`${five}@as-released`, inThirds(2, [...fiveHalf, ...fiveHalf, 0.0166, 0.0166, 0.0167]));
    stores(`${five}@as-released`, 0.9999);
    const twenty = [0.1333, 0.1333, 0.1334];
    check('id2-10_0.4easy_0.4medium_0.2hard', inThirds(2, [...twenty, ...twenty, 0.0667, 0.0667, 0.0666]));
    const fifty = [0.0833, 0.0833, 0.0834];
    check('id2-10_0.25easy_0.25medium_0.5hard', inThirds(2, [...fifty, ...fifty, 0.1667, 0.1667, 0.1666]));
  });

  describe('op_level_cpt', () => {
    const near = 'cpt0.2-uniform_0.8-9-12';
    const far = 'cpt0.2-uniform_0.8-11-14';
    check(near, [...inThirds(2, alike(9, 0.2)), ...inThirds(9, alike(4, 0.8))]);
    check(
      `${near}@as-released`,
      inThirds(2, [...times(7, 0.022222), ...times(2, 0.222222), ...times(2, 0.2)]),
    );
    stores(`${near}@as-released`, 0.999998);
    check(far, [...inThirds(2, alike(9, 0.2)), ...inThirds(11, alike(4, 0.8))]);
    check(`${far}@as-released`, inThirds(2, [...times(8, 0.0221), 0.0223, ...times(4, 0.2)]));
    stores(`${far}@as-released`, 0.9991);
  });

  describe('op_level_rl', () => {
    check('op11-14_uniform', inThirds(11, times(4, 0.25)));
    check('op7-10_uniform', inThirds(7, times(4, 0.25)));
    check('op9-12_uniform', inThirds(9, times(4, 0.25)));
    check('op17-20_uniform', inThirds(17, times(4, 0.25)));
    check('op11-14_uniform_plus', inThirds(2, [...times(8, 0.0111), 0.0112, ...times(4, 0.225)]));
  });

  const twoContexts = (zoo: number, school: number, from = 2, count = 19): Part[] => [
    { contexts: { zoo, school }, from, ops: alike(count) },
  ];

  describe('context_level', () => {
    check('idzoo_1.0zoo', twoContexts(1, 0));
    check('idzoo_0.999zoo_0.001teacher', twoContexts(0.999, 0.001));
    check('idzoo_0.99zoo_0.01teacher', twoContexts(0.99, 0.01));
    check('idzoo_0.95zoo_0.05teacher', twoContexts(0.95, 0.05));
    check('idzoo_0.9zoo_0.1teacher', twoContexts(0.9, 0.1));
    check('idzoo_0.8zoo_0.2teacher', twoContexts(0.8, 0.2));
    check('idzoo_0.5zoo_0.5teacher', twoContexts(0.5, 0.5));
  });

  describe('context_level_rl', () => {
    check('contextzoo_0.9zoo_0.1teacher', twoContexts(0.9, 0.1));
    check('contextzoo_0.8zoo_0.2teacher', twoContexts(0.8, 0.2));
    check('contextzoo_0.7zoo_0.3teacher', twoContexts(0.7, 0.3));
    check('contextzoo_0.95zoo_0.05teacher', twoContexts(0.95, 0.05));
    check('contextzoo_0.98zoo_0.02teacher', twoContexts(0.98, 0.02));
    check('contextzoo_0.3zoo_0.7teacher', twoContexts(0.3, 0.7));
    check('contextzoo_0.99zoo_0.01teacher', twoContexts(0.99, 0.01));
    check('contextzoo_0.5zoo_0.5teacher', twoContexts(0.5, 0.5));
    check('contextzoo_0.1zoo_0.9teacher', twoContexts(0.1, 0.9));
    check('contextzoo_0.1zoo_0.9teacher@as-released', twoContexts(0.2, 0.8));
    check('contextzoo_0.01zoo_0.99teacher', twoContexts(0.01, 0.99));
    check('contextzoo_1.0teacher', twoContexts(0, 1));
    check('contextzoo_1.0zoo', twoContexts(1, 0));
  });

  describe('mixed_level', () => {
    const rare = (zoo: number, school: number): Part[] => [
      { contexts: { zoo }, from: 2, ops: alike(19) },
      { contexts: { school }, from: 2, ops: [1] },
    ];
    for (const [zoo, school] of [
      [0.7, 0.3],
      [0.9, 0.1],
      [0.999, 0.001],
      [0.99, 0.01],
    ] as const) {
      const name = `${zoo}zoo_op2-20+${school}teacher_op2`;
      check(name, rare(zoo, school));
      // A rounded share of 19 equal ones: the same mixture once its component is normalised.
      check(`${name}@as-released`, rare(zoo, school));
      stores(`${name}@as-released`, zoo * 19 * 0.0526316 + school);
    }
    const uniform = [...times(8, 0.111111), 0.111112];
    const half = [...times(3, 0.066667), ...times(3, 0.1), 0.166667, 0.166667, 0.166665];
    const easy = [0.333333, 0.333333, 0.333334];
    const medium = [0.3, 0.3, 0.3, 0.033333, 0.033333, 0.033334];
    const mixed = (zoo: number, zooOps: Shares, schoolOps: Shares): Part[] => [
      { contexts: { zoo }, from: 2, ops: zooOps },
      { contexts: { school: 1 - zoo }, from: 2, ops: schoolOps },
    ];
    check('0.9zoo_uniform+0.1teacher_1.0easy', mixed(0.9, uniform, easy));
    check('0.9zoo_uniform+0.1teacher_0.9easy_0.1medium', mixed(0.9, uniform, medium));
    check('0.9zoo_0.5hard+0.1teacher_1.0easy', mixed(0.9, half, easy));
    check('0.9zoo_0.5hard+0.1teacher_0.9easy_0.1medium', mixed(0.9, half, medium));
    check('0.5zoo_uniform+0.5teacher_1.0easy', mixed(0.5, uniform, easy));
    check('0.5zoo_uniform+0.5teacher_0.9easy_0.1medium', mixed(0.5, uniform, medium));
    check('0.5zoo_0.5hard+0.5teacher_1.0easy', mixed(0.5, half, easy));
    check('0.5zoo_0.5hard+0.5teacher_0.9easy_0.1medium', mixed(0.5, half, medium));
  });

  describe('mixed_level_rl', () => {
    check('op11-14_uniform_full_zoo', twoContexts(1, 0, 11, 4));
    check('op11-14_uniform_full_teacher', twoContexts(0, 1, 11, 4));
    check('op11-14_uniform_0.9zoo_0.1teacher', twoContexts(0.9, 0.1, 11, 4));
    check('op11-14_uniform_0.5zoo_0.5teacher', twoContexts(0.5, 0.5, 11, 4));
  });
});

describe('presets of the paper’s Table 2 (§4.5), half forward and half reverse', () => {
  const recipe = (name: string, parts: readonly Part[]) => check(name, parts, 'both');
  /** A is the zoo, B the school. */
  const ab = (a: number, b: number, opsOfB = 19): Part[] => [
    { contexts: { zoo: a }, from: 2, ops: alike(19) },
    { contexts: { school: b }, from: 2, ops: alike(opsOfB) },
  ];

  describe('§3', () => {
    recipe('paper-pretrain', byHardness(20, 30, 50));
    recipe('paper-rl-op7-10', inThirds(7, alike(4)));
    recipe('paper-rl-op7-10@as-printed', inThirds(8, alike(3)));
    recipe('paper-rl-op9-12', inThirds(9, alike(4)));
    recipe('paper-rl-op11-14', inThirds(11, alike(4)));
    recipe('paper-rl-op17-20', inThirds(17, alike(4)));
  });

  describe('§4', () => {
    recipe('paper-context-pretrain-0b', ab(100, 0));
    recipe('paper-context-pretrain-0.1b', ab(99.9, 0.1, 1));
    recipe('paper-context-pretrain-1b', ab(99, 1, 1));
    recipe('paper-context-pretrain-10b', ab(90, 10, 1));
    recipe('paper-context-rl', ab(50, 50));
  });

  describe('§5', () => {
    recipe('paper-midtrain', [...inThirds(2, alike(9, 20)), ...inThirds(11, alike(4, 80))]);
  });

  describe('A.6.1', () => {
    recipe('paper-a6.1-pretrain', ab(99.9, 0.1));
    for (const b of [0, 2, 10, 50, 100]) recipe(`paper-a6.1-rl-${b}b`, ab(100 - b, b));
  });

  describe('A.6.2', () => {
    recipe('paper-a6.2-pretrain', ab(99, 1, 1));
    for (const b of [0, 1, 10, 50, 100]) recipe(`paper-a6.2-rl-${b}b`, ab(100 - b, b));
  });

  describe('A.7', () => {
    recipe('paper-a7-pretrain-0.1hard', byHardness(49.95, 49.95, 0.1));
    recipe('paper-a7-pretrain-0.1hard@as-printed', [
      ...inThirds(2, alike(5, 99.9)),
      ...inThirds(8, alike(13, 0.1)),
    ]);
    recipe('paper-a7-pretrain-5hard', byHardness(47.5, 47.5, 5));
    recipe('paper-a7-pretrain-20hard', byHardness(50, 30, 20));
    recipe('paper-a7-pretrain-33.3hard', byHardness(1, 1, 1));
    recipe('paper-a7-pretrain-50hard', byHardness(20, 30, 50));
  });
});

describe('presets', () => {
  it('are all checked above', () =>
    assert.deepEqual(Object.keys(mixturePresets()).sort(), [...checked].sort()));

  it('hold no weight of 0: an op or a context that never occurs is left out', () => {
    for (const [name, { components }] of Object.entries(mixturePresets())) {
      const tables = components.flatMap(({ contexts, ops }) => [contexts, ops]);
      for (const table of tables) {
        if (table === undefined || typeof table === 'string' || Array.isArray(table)) continue;
        assert.ok(
          Object.values(table).every((weight) => weight > 0),
          name,
        );
      }
    }
  });
});

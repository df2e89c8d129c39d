import assert from 'node:assert/strict';
import { InterplayError } from '../../src/core/errors.ts';
import { sha256 } from '../../src/core/hash.ts';
import {
  createTaskSource,
  GENERATOR_VERSION,
  MICRO_WORLD,
  PAPER_WORLD,
  type TaskSourceOptions,
} from '../../src/tasks/index.ts';

/** Kinds of tasks whose bytes are held. */
const KINDS: Record<string, TaskSourceOptions> = {
  paper: { world: 'paper' },
  micro: { world: 'micro' },
  reverse: { ops: '2-20', modes: ['forward', 'reverse'] },
  deep: { ops: '2-20', modes: ['forward', 'reverse'], depths: [2, 3] },
  large: { ops: '21-40', modes: ['forward', 'reverse'], depths: [2, 3], split: 'test' },
};

/** SHA-256 of the first 1,000 records as JSON lines. A change of any byte needs a new GENERATOR_VERSION. */
const GOLDEN: Record<string, Record<string, string>> = {
  2: {
    paper: '38b046c9ee8e71591d1688cda210ec4b61f8a762f4028894604708dccd64328a',
    micro: '8cd5fa195c3c7cf629c535b623dff712b8a438e80524f61f2e7e78997e136f2b',
    reverse: '5e21e2241301e13c2ba3aba7ab3425536626e4fa404f019acd149ab3c55f620d',
    deep: '3baff9a7b0b6fd9cc53db77315189b4553c164e8ebd0a210da9d5c7430f7a53c',
    large: 'a5b1fb8c57106658033325b27e40120ec1c6cce1d33c389965bad7f6af2242e7',
  },
};

const REFERENCE_KEYS = ['problem', 'question', 'solution', 'op', 'id', 'template', 'mode', 'length', 'd'];
const OUR_KEYS = ['graph', 'split', 'seed', 'index', 'version', 'fingerprint'];

describe('task source', () => {
  for (const [name, kind] of Object.entries(KINDS)) {
    it(`makes the ${name} tasks that version ${GENERATOR_VERSION} has always made`, () => {
      const lines = createTaskSource({ ...kind, seed: 42 })
        .take(1000)
        .map((task) => `${JSON.stringify(task)}\n`);
      assert.equal(sha256(lines.join('')), GOLDEN[GENERATOR_VERSION]?.[name]);
    });
  }

  it('gives task i whichever way it is asked for', () => {
    const options: TaskSourceOptions = { world: 'micro', split: 'test', seed: 5 };
    const source = createTaskSource(options);
    const iterated = [];
    for (const task of source) {
      iterated.push(task);
      if (iterated.length === 50) break;
    }
    const backwards = createTaskSource(options);
    for (let i = 49; i >= 0; i--) assert.deepEqual(backwards.at(i), iterated[i]);
    assert.deepEqual(source.take(10, 40), iterated.slice(40));
    assert.equal(source.at(2 ** 40).index, 2 ** 40);
    assert.deepEqual(source.at(2 ** 40), backwards.at(2 ** 40));
    assert.deepEqual(source[17], iterated[17]);
  });

  it('is the same stream however equal weights and shares are written', () => {
    const of = (contexts: Record<string, number>) =>
      createTaskSource({ mixture: { components: [{ ops: '2-4', contexts }] } }).key;
    assert.equal(of({ zoo: 0.1, school: 0.2, festival: 0.3 }), of({ festival: 0.3, school: 0.2, zoo: 0.1 }));
    const shares = (splits: Record<string, number>) => createTaskSource({ splits }).key;
    assert.equal(shares({ train: 8, val: 1, test: 1 }), shares({ train: 0.8, val: 0.1, test: 0.1 }));
    const usual = createTaskSource({ ops: '5' });
    assert.equal(createTaskSource({ ops: '5', identity: { values: undefined } as never }).key, usual.key);
  });

  it('writes the reference’s nine keys first, then ours', () => {
    const task = createTaskSource({ seed: 9, ops: '4' }).at(3);
    assert.deepEqual(Object.keys(task), [...REFERENCE_KEYS, ...OUR_KEYS]);
    assert.deepEqual(
      [task.mode, task.length, task.d, task.op, task.split, task.seed, task.index, task.version],
      ['normalforward', 'zero_context', 2, 4, 'train', 9, 3, GENERATOR_VERSION],
    );
  });

  it('has ids and texts of their own for every index, seed, split, world and mixture', () => {
    const ids = new Set<string>();
    const texts = new Set<string>();
    const settings: TaskSourceOptions[] = [
      { seed: 1 },
      { seed: 2 },
      { seed: 1, split: 'test' },
      { seed: 1, ops: '2-11' },
      { seed: 1, contexts: ['zoo'] },
      { seed: 1, world: { ...PAPER_WORLD, maxValue: 999 } },
    ];
    for (const options of settings) {
      for (const { id, problem, solution } of createTaskSource(options).take(100)) {
        ids.add(id);
        texts.add(problem + solution);
      }
    }
    assert.equal(ids.size, 600);
    assert.ok(texts.size > 595, `${texts.size} different texts of 600`); // op 2 may repeat by chance
  });

  it('draws contexts and ops by their weights', () => {
    const count = 20_000;
    const seen = new Map<string, number>();
    const source = createTaskSource({
      world: 'micro',
      contexts: ['zoo', 'festival'],
      ops: [2, 3, 6],
      opWeights: { 2: 1, 3: 3, 6: 6 },
    });
    for (const { op, template } of source.take(count)) {
      const key = `${op} ${template}`;
      seen.set(key, (seen.get(key) ?? 0) + 1);
    }
    assert.equal(seen.size, 6);
    for (const [op, weight] of [
      [2, 0.1],
      [3, 0.3],
      [6, 0.6],
    ] as const) {
      for (const template of ['crazy_zootopia', 'movie_festival_awards']) {
        const p = weight / 2;
        const deviation = Math.sqrt(count * p * (1 - p));
        const got = seen.get(`${op} ${template}`)!;
        // Five standard deviations: a fixed seed, so this either always or never passes.
        assert.ok(Math.abs(got - count * p) < 5 * deviation, `${op} ${template}: ${got} of ${count}`);
      }
    }
  });

  const refused: [string, TaskSourceOptions, string, RegExp][] = [
    ['an op below the world', { ops: '1-4' }, 'OPS_RANGE', /op 1; use op 2/],
    ['an op above the world', { ops: [41] }, 'OPS_RANGE', /op 41; use op 40/],
    ['ops that are none', { ops: 'many' }, 'OPS_INVALID', /many/],
    ['ops the wrong way round', { ops: '9-2' }, 'OPS_INVALID', /9-2/],
    ['no ops', { ops: [] }, 'OPS_INVALID', /''/],
    ['an unknown context', { contexts: ['moon'] }, 'CONTEXT_UNKNOWN', /moon/],
    ['a context without names', { contexts: [{ name: 'x' } as never] }, 'CONTEXT_INVALID', /places/],
    ['no contexts', { contexts: [] }, 'MIXTURE_EMPTY', /0/],
    ['an option that is none', { mode: ['reverse'] } as never, 'TASK_OPTIONS', /mode.*depths, mixture/],
    ['one mode instead of a list', { modes: 'reverse' } as never, 'TASK_OPTIONS', /modes/],
    ['the name of a mixture', { mixture: 'paper-pretrain' } as never, 'TASK_OPTIONS', /mixture/],
    ['an identity’s part that is none', { identity: { valeus: false } } as never, 'TASK_OPTIONS', /valeus/],
    [
      'a held-out context that is none',
      { split: 'test', heldOut: { contexts: ['zooo'] } },
      'CONTEXT_UNKNOWN',
      /zooo/,
    ],
    ['a held-out depth that is none', { split: 'test', heldOut: { depths: [4] } }, 'DEPTH_UNKNOWN', /4/],
    ['no splits', { splits: {} }, 'SPLIT_SHARES', /name a split/],
    ['an unknown world', { world: 'huge' }, 'WORLD_UNKNOWN', /huge/],
    ['a world with a field missing', { world: { name: 'x' } as never }, 'WORLD_INVALID', /places/],
    [
      'a world too small for its ops',
      { world: { ...MICRO_WORLD, places: 1, categories: 2 } },
      'WORLD_IMPOSSIBLE',
      /lower ops to at most 3/,
    ],
    [
      'numbers above the largest value',
      { world: { ...MICRO_WORLD, leaves: [400, 500] } },
      'WORLD_IMPOSSIBLE',
      /raise maxValue to 400/,
    ],
    ['an unknown split', { split: 'dev' }, 'SPLIT_UNKNOWN', /train, val, test/],
    ['a split of nothing', { splits: { train: 1, dev: 0 }, split: 'dev' }, 'SPLIT_SHARES', /dev/],
    ['an unknown depth', { depths: [4] }, 'DEPTH_UNKNOWN', /use 3, the nearest/],
    [
      'modes that a mixture states itself',
      { modes: ['forward'], mixture: { components: [{ ops: '2', modes: ['reverse'] }] } },
      'OPTION_CONFLICT',
      /a mixture and modes/,
    ],
    [
      'nothing but what is held out',
      { contexts: ['zoo'], heldOut: { contexts: ['zoo'] } },
      'HELD_OUT',
      /split train/,
    ],
    ['an unknown mode', { modes: ['sideways'] }, 'MODE_UNKNOWN', /sideways/],
    ['a weight for an op that is not there', { ops: '2-4', opWeights: { 9: 1 } }, 'OP_WEIGHTS', /9/],
    ['weights that are all zero', { ops: '2', opWeights: { 2: 0 } }, 'MIXTURE_EMPTY', /0/],
    ['a negative weight', { ops: '2', opWeights: { 2: -1 } }, 'OP_WEIGHTS', /-1/],
    ['a seed that is none', { seed: 1.5 }, 'SEED_INVALID', /1.5/],
    [
      'a mixture and ops',
      { ops: '2', mixture: { components: [{ ops: '2' }] } },
      'OPTION_CONFLICT',
      /a mixture and ops/,
    ],
    [
      'a split that has no graph of an op',
      { ops: '2', splits: { train: 0.999999, dev: 0.000001 }, split: 'dev', world: 'micro' },
      'SPLIT_UNSERVED',
      /op 2 in split dev/,
    ],
  ];
  for (const [what, options, code, message] of refused) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => createTaskSource(options),
        (error) => error instanceof InterplayError && error.code === code && message.test(error.message),
      );
    });
  }
});

/** Texts for tokenizer tests, made from a stream: task-like sentences with several scripts and odd spacing. */
import { randomFamily } from '../../src/core/random.ts';

const THINGS = ['adult wolf', 'adult racoon', 'calm road movie', 'highschool', 'café', 'naïve fox'];
const PLACES = [
  'Cedar Valley',
  'South Zoo',
  'Rêves de Belleville',
  'Ruby Bay',
  'Пермь',
  '北京動物園',
  '😀 Park',
];

export function corpus(count: number, seed = 0): string[] {
  const family = randomFamily('tokenizer-test-corpus', seed);
  return Array.from({ length: count }, (_, index) => {
    const random = family.at(index);
    const quantity = () => `the number of ${random.pick(THINGS)} in ${random.pick(PLACES)}`;
    const problem = `The number of ${random.pick(THINGS)} in ${random.pick(PLACES)} equals ${random.below(2000)}`;
    const gap = random.pick([' ', '  ', '\n', ' \t']);
    return `<question> ${problem} plus ${quantity()}.${gap}It's ${quantity()}? </question> <solution>`;
  });
}

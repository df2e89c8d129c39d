/**
 * Steps of a solution (PAPER §1.8, §1.9): every gold quantity in order, folded from the left with one letter for each
 * intermediate result. In a reverse problem values are linear expressions in x, and the last one is solved for x.
 */
import type { RandomStream } from '../core/random.ts';
import type { Skeleton } from './dependency.ts';
import { type Linear, linearText, solvingText } from './linear.ts';
import type { Quantity } from './quantity.ts';

const LETTERS = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'];
/** x is the unknown's. */
const REVERSE_LETTERS = LETTERS.filter((letter) => letter !== 'x' && letter !== 'X');

/** Letters without replacement, each drawn when it is needed. */
class LetterBag {
  private readonly letters: string[];

  constructor(
    private readonly random: RandomStream,
    letters: readonly string[],
  ) {
    this.letters = letters.slice();
  }

  draw(): string {
    const { letters } = this;
    const at = this.random.below(letters.length);
    const letter = letters[at]!;
    letters[at] = letters[letters.length - 1]!;
    letters.pop();
    return letter;
  }
}

/** A letter and what it stands for. */
interface Term extends Linear {
  letter: string;
}

/** `Define … as L; …; so L = … = 7. ` for every gold quantity; in a reverse problem also the solving of the equation. */
export function solutionSteps(random: RandomStream, skeleton: Skeleton, names: readonly string[]): string {
  const { quantities, gold, unknown } = skeleton;
  const writer = new StepWriter(random, quantities, unknown === null ? null : quantities[unknown]!);
  let text = unknown === null ? '' : 'The question is difficult, so we use equations to solve it. ';
  for (const id of gold) text += writer.step(quantities[id]!, names[id]!);
  if (unknown !== null) text += writer.solve(quantities[gold[gold.length - 1]!]!);
  return text;
}

class StepWriter {
  private readonly bag: LetterBag;
  /** Letter of every quantity that has been defined, by id. */
  private readonly letterOf: string[] = [];
  /** Value of x; 0 in a forward problem, where every slope is 0. */
  private readonly x: number;

  constructor(
    random: RandomStream,
    private readonly quantities: readonly (Quantity | undefined)[],
    private readonly unknown: Quantity | null,
  ) {
    this.bag = new LetterBag(random, unknown === null ? LETTERS : REVERSE_LETTERS);
    this.x = unknown?.value ?? 0;
  }

  step(quantity: Quantity, name: string): string {
    if (quantity === this.unknown) {
      this.letterOf[quantity.id] = 'x';
      return `Define ${name} as x; we don't know its value yet but will find it out later. `;
    }
    const letter = this.bag.draw();
    this.letterOf[quantity.id] = letter;
    const body =
      quantity.operation === 'sum_of_products'
        ? this.products(quantity, letter)
        : this.combination(quantity, letter);
    return `Define ${name} as ${letter}; ${body}. `;
  }

  /** The end of a reverse solution: the last quantity's value is given, x follows. */
  solve(goal: Quantity): string {
    const { letter, slope, intercept } = this.term(goal.id);
    return solvingText(letter, { slope, intercept }, goal.value);
  }

  /** `so L = 4`; `I = P = 4; so L = 3 + I = 3 + 4 = 7`; `I = P + Q = 2 + 3 = 5; so L = I + R = 5 + 1 = 6`. */
  private combination(
    { parents, operation, constant, hasConstant, value, slope }: Quantity,
    letter: string,
  ): string {
    const result: Linear = { slope, intercept: value - slope * this.x };
    if (parents.length === 0) return `so ${letter} = ${linearText(result)}`;
    let left = this.term(parents[0]!);
    let text = '';
    if (parents.length === 1 && hasConstant) {
      const copy = { ...left, letter: this.bag.draw() };
      text = `${copy.letter} = ${left.letter} = ${linearText(left)}; `;
      left = copy;
    } else if (parents.length === 1) return `so ${letter} = ${left.letter} = ${linearText(left)}`;
    const minus = operation.endsWith('difference');
    for (let i = 1; i < parents.length; i++) {
      const last = i === parents.length - 1 && !hasConstant;
      const target = last ? letter : this.bag.draw();
      const right = this.term(parents[i]!);
      const next = minus ? difference(target, left, right) : sum(target, left, right);
      text += `${last ? 'so ' : ''}${this.equation(next, left, minus ? '-' : '+', right)}${last ? '' : '; '}`;
      left = next;
    }
    if (!hasConstant) return text;
    const sign = operation.startsWith('plus') ? '+' : '*';
    const literal: Term = { letter: `${constant}`, slope: 0, intercept: constant };
    return `${text}so ${this.equation({ ...result, letter }, literal, sign, left)}`;
  }

  /**
   * `a = P * Q = 2 * 3 = 6; b = R * S = 2 * 4 = 8; L = a + b = 6 + 8 = 14`. As in the reference, `so` stands before a
   * single product only.
   */
  private products({ parents }: Quantity, letter: string): string {
    const single = parents.length === 2;
    const terms: Term[] = [];
    let text = '';
    for (let pair = 0; pair < parents.length; pair += 2) {
      const count = this.term(parents[pair]!);
      const average = this.term(parents[pair + 1]!);
      const term = product(single ? letter : this.bag.draw(), count, average);
      text += `${single ? 'so ' : ''}${this.equation(term, count, '*', average)}${single ? '' : '; '}`;
      terms.push(term);
    }
    let left = terms[0]!;
    for (let i = 1; i < terms.length; i++) {
      const last = i === terms.length - 1;
      const next = sum(last ? letter : this.bag.draw(), left, terms[i]!);
      text += `${this.equation(next, left, '+', terms[i]!)}${last ? '' : '; '}`;
      left = next;
    }
    return text;
  }

  /** `L = P + Q = 2 + 3 = 5`; with x about, differences and products stand in brackets: `(x + 3) - (x) = 3`. */
  private equation(result: Term, left: Term, sign: '+' | '-' | '*', right: Term): string {
    const brackets = this.unknown !== null && sign !== '+';
    const a = linearText(left);
    const b = linearText(right);
    const values = brackets ? `(${a}) ${sign} (${b})` : `${a} ${sign} ${b}`;
    return `${result.letter} = ${left.letter} ${sign} ${right.letter} = ${values} = ${linearText(result)}`;
  }

  private term(id: number): Term {
    const { slope, value } = this.quantities[id]!;
    return { letter: this.letterOf[id]!, slope, intercept: value - slope * this.x };
  }
}

function sum(letter: string, a: Linear, b: Linear): Term {
  return { letter, slope: a.slope + b.slope, intercept: a.intercept + b.intercept };
}

function difference(letter: string, a: Linear, b: Linear): Term {
  return { letter, slope: a.slope - b.slope, intercept: a.intercept - b.intercept };
}

/** At most one of the two has a slope. */
function product(letter: string, a: Linear, b: Linear): Term {
  return {
    letter,
    slope: a.slope * b.intercept + a.intercept * b.slope,
    intercept: a.intercept * b.intercept,
  };
}

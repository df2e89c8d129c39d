/**
 * Steps of a solution (PAPER §1.8, §1.9): every gold quantity in order, folded from the left with one letter for each
 * intermediate result. In a reverse problem values are linear expressions in x, and the last one is solved for x.
 */
import type { RandomStream } from '../core/random.ts';
import type { Skeleton } from './dependency.ts';
import { linearText, solvingText } from './linear.ts';
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

/** `Define … as L; …; so L = … = 7. ` for every gold quantity; in a reverse problem also the solving of the equation. */
export function solutionSteps(random: RandomStream, skeleton: Skeleton, names: readonly string[]): string {
  const { quantities, gold, unknown } = skeleton;
  const writer = new StepWriter(random, quantities, unknown === null ? null : quantities[unknown]!);
  let text = unknown === null ? '' : 'The question is difficult, so we use equations to solve it. ';
  for (const id of gold) text += writer.step(quantities[id]!, names[id]!);
  if (unknown !== null) text += writer.solve(quantities[gold[gold.length - 1]!]!);
  return text;
}

/** Values pass through here as slope and intercept in x, in variables instead of objects: this is half of all work. */
class StepWriter {
  private readonly bag: LetterBag;
  /** Letter of every quantity that has been defined, by id. */
  private readonly letterOf: string[] = [];
  /** Value of x; 0 in a forward problem, where every slope is 0. */
  private readonly x: number;
  private readonly reverse: boolean;

  constructor(
    random: RandomStream,
    private readonly quantities: readonly (Quantity | undefined)[],
    private readonly unknown: Quantity | null,
  ) {
    this.reverse = unknown !== null;
    this.bag = new LetterBag(random, this.reverse ? REVERSE_LETTERS : LETTERS);
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
  solve({ id, slope, value }: Quantity): string {
    return solvingText(this.letterOf[id]!, { slope, intercept: value - slope * this.x }, value);
  }

  /** `so L = 4`; `I = P = 4; so L = 3 + I = 3 + 4 = 7`; `I = P + Q = 2 + 3 = 5; so L = I + R = 5 + 1 = 6`. */
  private combination(quantity: Quantity, letter: string): string {
    const { parents, operation, constant, hasConstant } = quantity;
    const { quantities, letterOf, x } = this;
    const value = this.valueText(quantity);
    if (parents.length === 0) return `so ${letter} = ${value}`;
    const first = quantities[parents[0]!]!;
    let left = letterOf[first.id]!;
    let leftText = this.valueText(first);
    let text = '';
    if (parents.length === 1) {
      if (!hasConstant) return `so ${letter} = ${left} = ${leftText}`;
      const copy = this.bag.draw();
      text = `${copy} = ${left} = ${leftText}; `;
      left = copy;
    }
    const minus = operation.endsWith('difference');
    let { slope } = first;
    let intercept = first.value - slope * x;
    for (let i = 1; i < parents.length; i++) {
      const last = i === parents.length - 1 && !hasConstant;
      const target = last ? letter : this.bag.draw();
      const right = quantities[parents[i]!]!;
      const rightIntercept = right.value - right.slope * x;
      slope = minus ? slope - right.slope : slope + right.slope;
      intercept = minus ? intercept - rightIntercept : intercept + rightIntercept;
      const result = linearText(slope, intercept);
      const sides = this.sides(left, leftText, minus ? '-' : '+', letterOf[right.id]!, this.valueText(right));
      text += last ? `so ${target} = ${sides} = ${result}` : `${target} = ${sides} = ${result}; `;
      left = target;
      leftText = result;
    }
    if (!hasConstant) return text;
    const sign = operation.startsWith('plus') ? '+' : '*';
    return `${text}so ${letter} = ${this.sides(`${constant}`, `${constant}`, sign, left, leftText)} = ${value}`;
  }

  /**
   * `a = P * Q = 2 * 3 = 6; b = R * S = 2 * 4 = 8; L = a + b = 6 + 8 = 14`. As in the reference, `so` stands before a
   * single product only.
   */
  private products({ parents }: Quantity, letter: string): string {
    const { quantities, letterOf, x } = this;
    const letters: string[] = [];
    const slopes: number[] = [];
    const intercepts: number[] = [];
    let text = '';
    for (let pair = 0; pair < parents.length; pair += 2) {
      const count = quantities[parents[pair]!]!;
      const average = quantities[parents[pair + 1]!]!;
      // At most one of the two has a slope.
      const slope = count.slope * average.value + count.value * average.slope;
      const intercept = count.value * average.value - slope * x;
      const target = parents.length === 2 ? letter : this.bag.draw();
      const sides = this.sides(
        letterOf[count.id]!,
        this.valueText(count),
        '*',
        letterOf[average.id]!,
        this.valueText(average),
      );
      const equation = `${target} = ${sides} = ${linearText(slope, intercept)}`;
      if (parents.length === 2) return `so ${equation}`;
      text += `${equation}; `;
      letters.push(target);
      slopes.push(slope);
      intercepts.push(intercept);
    }
    let left = letters[0]!;
    let slope = slopes[0]!;
    let intercept = intercepts[0]!;
    for (let i = 1; i < letters.length; i++) {
      const last = i === letters.length - 1;
      const target = last ? letter : this.bag.draw();
      const leftText = linearText(slope, intercept);
      const sides = this.sides(left, leftText, '+', letters[i]!, linearText(slopes[i]!, intercepts[i]!));
      slope += slopes[i]!;
      intercept += intercepts[i]!;
      text += `${target} = ${sides} = ${linearText(slope, intercept)}${last ? '' : '; '}`;
      left = target;
    }
    return text;
  }

  /** `P + Q = 2 + 3`; with x about, differences and products stand in brackets: `P - Q = (x + 3) - (x)`. */
  private sides(
    left: string,
    leftText: string,
    sign: '+' | '-' | '*',
    right: string,
    rightText: string,
  ): string {
    return this.reverse && sign !== '+'
      ? `${left} ${sign} ${right} = (${leftText}) ${sign} (${rightText})`
      : `${left} ${sign} ${right} = ${leftText} ${sign} ${rightText}`;
  }

  private valueText({ slope, value }: Quantity): string {
    return slope === 0 ? `${value}` : linearText(slope, value - slope * this.x);
  }
}

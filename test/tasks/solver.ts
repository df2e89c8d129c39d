/**
 * A solver that reads only the text of a problem. Every sentence is one equation, every total the sum of what the
 * text tells of its place (at depth 3: of count × average); each quantity becomes a polynomial with whole
 * coefficients in the one unknown, by substitution, and the given value of a reverse problem decides the
 * unknown. Arithmetic is exact: what would leave the safe integers is refused.
 */
import { type Equation, readProblem, readQuestion } from './equations.ts';

/** What a reader has to know besides the text: which totals count × average (PAPER §1.3, layer 2). */
export type ProductTotals = ReadonlySet<string>;

export const PRODUCT_TOTALS: ProductTotals = new Set([
  'total number of newborn animal children',
  'total number of teachers from all schools',
  'total number of movie nominations',
]);

export interface Solved {
  /** What the question asks for; null when it has no answer, or more than one. */
  answer: number | null;
  /** Why there is none. */
  reason: string | null;
  /** Values of all quantities told, and of the totals that they use, as far as they have any. */
  values: Map<string, number>;
  /** Everything wrong anywhere in the text, the way to the answer included. */
  faults: string[];
  told: Told;
}

/** A text's equations, ordered by what they are good for. */
export interface Told {
  equations: Map<string, Equation>;
  /** The quantity of which the text only says that it is greater than 0. */
  unknown: string | null;
  /** The value that a reverse problem states beside the definition. */
  given: { name: string; value: number } | null;
  /** What a total adds up: counts, or count and average in turns; throws {@link Refusal}. */
  members(total: string): string[];
}

/** Reason why a quantity has no value. */
export class Refusal extends Error {}

/** Coefficients of 1, x, x², …; the last is not 0 (zero is the empty list). */
type Polynomial = readonly number[];

/** Solves a problem; throws only where the text is not of the grammar. */
export function solve(problem: string, question: string, products = PRODUCT_TOTALS): Solved {
  const faults: string[] = [];
  const told = organise(problem, products, faults);
  const solver = new Solver(told, products);
  if (solver.x instanceof Refusal) faults.push(solver.x.message);
  const query = readQuestion(question);
  const answer = attempt(() => solver.value(query));
  for (const name of told.equations.keys()) solver.find(name);
  if (told.unknown !== null) solver.find(told.unknown);
  const values = new Map<string, number>();
  for (const name of solver.names()) {
    const value = attempt(() => solver.value(name));
    if (typeof value === 'number') values.set(name, value);
    else if (!faults.includes(value.message)) faults.push(value.message);
  }
  if (answer instanceof Refusal) return { answer: null, reason: answer.message, values, faults, told };
  return { answer, reason: null, values, faults, told };
}

/** Puts quantities into each other's equations until only the unknown is left. */
class Solver {
  /** The unknown; null in a forward problem, which has none. */
  readonly x: number | Refusal | null;
  private readonly found = new Map<string, Polynomial | Refusal>();
  private readonly open = new Set<string>();

  constructor(
    private readonly told: Told,
    private readonly products: ProductTotals,
  ) {
    this.x = told.unknown === null ? null : attempt(() => this.solveUnknown());
  }

  /** All quantities that were looked at. */
  names(): Iterable<string> {
    return [...this.found.keys()];
  }

  /** The quantity's value. @throws {@link Refusal} */
  value(name: string): number {
    const terms = this.polynomial(name);
    if (terms.length <= 1) return terms[0] ?? 0;
    if (this.x instanceof Refusal) throw this.x;
    let value = 0;
    for (let i = terms.length - 1; i >= 0; i--) value = safe(safe(value * this.x!) + terms[i]!);
    return value;
  }

  /** The quantity in terms of the unknown, or why there is nothing. */
  find(name: string): Polynomial | Refusal {
    const known = this.found.get(name);
    if (known !== undefined) return known;
    if (this.open.has(name)) return new Refusal(`${name} is defined by itself`);
    this.open.add(name);
    const found = attempt(() => (name.startsWith('total ') ? this.total(name) : this.instance(name)));
    this.open.delete(name);
    this.found.set(name, found);
    return found;
  }

  private polynomial(name: string): Polynomial {
    const found = this.find(name);
    if (found instanceof Refusal) throw found;
    return found;
  }

  private total(name: string): Polynomial {
    const members = this.told.members(name);
    let sum: Polynomial = [];
    if (!this.products.has(phraseOf(name))) {
      for (const member of members) sum = combine(sum, this.polynomial(member), 1);
    } else {
      for (let i = 0; i < members.length; i += 2) {
        const product = multiply(this.polynomial(members[i]!), this.polynomial(members[i + 1]!));
        sum = combine(sum, product, 1);
      }
    }
    return sum;
  }

  private instance(name: string): Polynomial {
    if (name === this.told.unknown) return [0, 1];
    const equation = this.told.equations.get(name);
    if (equation === undefined) throw new Refusal(`${name} is not told`);
    const { form, constant, verb, parents } = equation;
    if (form === 'none') return combine([constant!], [], 1);
    let base = this.polynomial(parents[0]!);
    for (let i = 1; i < parents.length; i++) {
      base = combine(base, this.polynomial(parents[i]!), form === 'difference' ? -1 : 1);
    }
    if (verb === null) return base;
    return verb === 'plus' ? combine([constant!], base, 1) : multiply([constant!], base);
  }

  /** The whole number greater than 0 that the given value leaves. */
  private solveUnknown(): number {
    const { given, unknown } = this.told;
    if (given === null) throw new Refusal(`nothing is given to find ${unknown} by`);
    const [constant = 0, slope = 0, ...higher] = combine(this.polynomial(given.name), [given.value], -1);
    if (higher.length > 0) throw new Refusal(`the equation of ${given.name} is not of the first order`);
    if (slope === 0) {
      throw new Refusal(`${constant === 0 ? 'more than one solution' : 'no solution'} for ${unknown}`);
    }
    const x = -constant / slope;
    if (!Number.isInteger(x)) throw new Refusal(`${unknown} is no whole number: ${-constant} / ${slope}`);
    if (x <= 0) throw new Refusal(`${unknown} is not greater than 0: ${x}`);
    return x;
  }
}

function attempt<T>(work: () => T): T | Refusal {
  try {
    return work();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

/** Equations by name, the unknown and the given value; what contradicts itself becomes a fault. */
function organise(problem: string, products: ProductTotals, faults: string[]): Told {
  const sentences = readProblem(problem);
  const equations = new Map<string, Equation>();
  const repeated: string[] = [];
  const given: { name: string; value: number }[] = [];
  let unknown: string | null = null;
  for (const { name, equation } of sentences) {
    if (equation !== null) continue;
    if (unknown !== null) faults.push(`${name} ${name === unknown ? 'is told twice' : 'is unknown, too'}`);
    unknown = name;
  }
  for (const { name, equation } of sentences) {
    if (equation === null) continue;
    if (new Set(equation.parents).size < equation.parents.length) faults.push(`${name} names one twice`);
    if (name.startsWith('total ')) {
      if (equation.form === 'none') given.push({ name, value: equation.constant! });
      else faults.push(`${name} is defined by a sentence`);
      continue;
    }
    const other = equations.get(name);
    if (other === undefined && name !== unknown) {
      equations.set(name, equation);
      continue;
    }
    // Of a definition and a plain number, the number is what is given.
    const [number, definition] = equation.form === 'none' ? [equation, other] : [other, equation];
    if (definition === undefined || number?.form !== 'none' || definition.form === 'none') {
      faults.push(`${name} is told twice`);
      repeated.push(name);
      continue;
    }
    equations.set(name, definition);
    given.push({ name, value: number.constant! });
  }
  if (given.length > (unknown === null ? 0 : 1)) {
    faults.push(`${given.at(-1)!.name} is told twice`);
    if (unknown === null) repeated.push(given[0]!.name);
  }
  // Nobody can say which of two sentences about one quantity holds.
  for (const name of repeated) equations.delete(name);
  const members = membership([...equations.keys(), ...(unknown === null ? [] : [unknown])], products);
  return { equations, unknown, given: given.length === 1 ? given[0]! : null, members };
}

const placeOf = (name: string): string => name.slice(name.lastIndexOf(' in ') + 4);
/** A total's name without its place. */
export const phraseOf = (total: string): string => total.slice(0, total.lastIndexOf(' in '));

/** What each total adds up, by the quantities that the text tells. */
function membership(names: readonly string[], products: ProductTotals): Told['members'] {
  let counts: Map<string, string[]> | null = null;
  const averages = new Map<string, string>();
  const index = (): Map<string, string[]> => {
    const places = new Map<string, string[]>();
    for (const name of names) {
      if (name.startsWith('average ')) {
        averages.set(name.slice(name.indexOf(' per ') + ' per '.length), name);
        continue;
      }
      const place = placeOf(name);
      const members = places.get(place);
      if (members === undefined) places.set(place, [name]);
      else members.push(name);
    }
    return places;
  };
  return (total) => {
    counts ??= index();
    const members = counts.get(placeOf(total));
    if (members === undefined) throw new Refusal(`${total} has no members`);
    if (!products.has(phraseOf(total))) return members;
    return members.flatMap((count) => {
      const average = averages.get(count);
      if (average === undefined) throw new Refusal(`${total} needs the average per ${count}`);
      return [count, average];
    });
  };
}

function safe(value: number): number {
  if (!Number.isSafeInteger(value)) throw new Refusal('numbers too large for exact arithmetic');
  return value;
}

/** p + factor · q. */
function combine(p: Polynomial, q: Polynomial, factor: 1 | -1): Polynomial {
  const sum: number[] = [];
  const length = Math.max(p.length, q.length);
  for (let i = 0; i < length; i++) sum.push(safe((p[i] ?? 0) + factor * (q[i] ?? 0)));
  while (sum.length > 0 && sum.at(-1) === 0) sum.pop();
  return sum;
}

function multiply(p: Polynomial, q: Polynomial): Polynomial {
  if (p.length === 0 || q.length === 0) return [];
  const product = new Array<number>(p.length + q.length - 1).fill(0);
  for (let i = 0; i < p.length; i++) {
    for (let j = 0; j < q.length; j++) product[i + j] = safe(product[i + j]! + safe(p[i]! * q[j]!));
  }
  return product;
}

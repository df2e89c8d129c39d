/**
 * Meaning of the equations of one step: what each letter stands for there, and which nodes the step's quantity
 * was made from. Intermediate results live within their step, as in the reference's grammar.
 */
import { bindingCode, hasLetters, letterOf } from './expression.ts';
import type { Binding, Equation, Expression } from './types.ts';

/** What a step's quantity was made from. */
export interface StepParents {
  /** Names of nodes, in the order of their definition. */
  names: string[];
  undefinedLetters: string[];
}

/**
 * Sets of letters as two 26-bit masks. Which node a letter means is fixed while a step is read, so a set of
 * letters is a set of nodes, and any text costs constant work per symbol.
 */
interface Sources {
  upper: number;
  lower: number;
  undefinedUpper: number;
  undefinedLower: number;
}

const none = (): Sources => ({ upper: 0, lower: 0, undefinedUpper: 0, undefinedLower: 0 });

export class StepReader {
  /** Binding of the step's own quantity. */
  readonly own: number;
  private readonly ownLetter: number;
  private readonly ownSources = none();
  private ownAssigned = false;
  private ownMade = false;
  /** The step's quantity is made from one thing here and from another there. */
  contradicted = false;
  /** Intermediate results: char code → binding and what it was made from. */
  private local: Map<number, { binding: number; sources: Sources }> | null = null;

  constructor(
    head: { name: string; letter: string },
    private readonly bindings: Binding[],
    private readonly nodeOfLetter: ReadonlyMap<number, number>,
  ) {
    this.own = bindings.length;
    this.ownLetter = head.letter.charCodeAt(0);
    bindings.push({ name: head.name, letter: head.letter });
  }

  /** Resolves the letters of an equation (in place) and records what its target is made from. */
  bind(sides: Expression[]): Equation {
    const first = sides[0]!;
    const letter = first !== null && first.length === 1 ? letterOf(first[0]!) : -1;
    let source = -1;
    if (letter >= 0) {
      source = 1;
      while (source < sides.length && !hasLetters(sides[source]!)) source++;
      if (source === sides.length) source = -1;
    }
    const made = source < 0 ? null : this.sourcesOf(sides[source]!);
    // `t = t + q` goes on from a running value; `t = q` after `t = p` says something else.
    const goesOn = source >= 0 && sides[source]!.some((code) => letterOf(code) === this.ownLetter);
    const resolved = sides;
    for (let i = letter < 0 ? 0 : 1; i < sides.length; i++) resolved[i] = this.resolve(sides[i]!);
    if (letter < 0) return { sides: resolved, target: -1, source };

    if (letter !== this.ownLetter && source < 0) {
      const known = this.meaning(letter);
      if (known >= 0) {
        // `x = 3`, `P = 4` about something known: a statement, not a new meaning of the letter.
        resolved[0] = [bindingCode(known)];
        return { sides: resolved, target: -1, source };
      }
    }
    let target = this.own;
    if (letter === this.ownLetter) {
      this.ownAssigned = true;
      if (made !== null) {
        if (this.ownMade && !goesOn && !sameSources(this.ownSources, made)) this.contradicted = true;
        this.ownMade = true;
        addSources(this.ownSources, made);
      }
    } else {
      target = this.bindings.length;
      this.bindings.push({ name: null, letter: String.fromCharCode(letter) });
      this.local ??= new Map();
      this.local.set(letter, { binding: target, sources: made ?? none() });
    }
    resolved[0] = [bindingCode(target)];
    return { sides: resolved, target, source };
  }

  /** What the equations bound so far made the step's quantity from. */
  parents(): StepParents {
    const { upper, lower, undefinedUpper, undefinedLower } = this.ownSources;
    const bindings: number[] = [];
    for (const letter of lettersIn(upper, lower)) bindings.push(this.nodeOfLetter.get(letter)!);
    bindings.sort((a, b) => a - b);
    const names: string[] = [];
    for (const index of bindings) {
      const name = this.bindings[index]!.name!;
      if (!names.includes(name)) names.push(name); // two letters may stand for one name, defined twice
    }
    const undefinedLetters = lettersIn(undefinedUpper, undefinedLower);
    return { names, undefinedLetters: undefinedLetters.map((letter) => String.fromCharCode(letter)) };
  }

  /** Binding that a letter stands for here, or -1. */
  private meaning(letter: number): number {
    if (letter === this.ownLetter && this.ownAssigned) return this.own;
    return this.local?.get(letter)?.binding ?? this.nodeOfLetter.get(letter) ?? -1;
  }

  private resolve(side: Expression): Expression {
    if (!hasLetters(side)) return side;
    const resolved: number[] = [];
    for (const code of side!) {
      const letter = letterOf(code);
      const binding = letter < 0 ? -1 : this.meaning(letter);
      resolved.push(binding < 0 ? code : bindingCode(binding));
    }
    return resolved;
  }

  private sourcesOf(expression: readonly number[]): Sources {
    const sources = none();
    for (const code of expression) {
      const letter = letterOf(code);
      if (letter < 0) continue;
      const binding = this.meaning(letter);
      if (binding === this.own) continue; // a running value of the step itself
      const local = this.local?.get(letter);
      if (local !== undefined && local.binding === binding) addSources(sources, local.sources);
      else addLetter(sources, letter, binding >= 0);
    }
    return sources;
  }
}

/** Char codes of the letters of two masks. */
function lettersIn(upper: number, lower: number): number[] {
  const letters: number[] = [];
  for (let bits = upper; bits !== 0; bits &= bits - 1) letters.push(65 + 31 - Math.clz32(bits & -bits));
  for (let bits = lower; bits !== 0; bits &= bits - 1) letters.push(97 + 31 - Math.clz32(bits & -bits));
  return letters;
}

function sameSources(a: Sources, b: Sources): boolean {
  return (
    a.upper === b.upper &&
    a.lower === b.lower &&
    a.undefinedUpper === b.undefinedUpper &&
    a.undefinedLower === b.undefinedLower
  );
}

function addSources(to: Sources, from: Sources): void {
  to.upper |= from.upper;
  to.lower |= from.lower;
  to.undefinedUpper |= from.undefinedUpper;
  to.undefinedLower |= from.undefinedLower;
}

function addLetter(sources: Sources, letter: number, defined: boolean): void {
  const isLower = letter >= 97;
  const mask = 1 << (isLower ? letter - 97 : letter - 65);
  if (defined && isLower) sources.lower |= mask;
  else if (defined) sources.upper |= mask;
  else if (isLower) sources.undefinedLower |= mask;
  else sources.undefinedUpper |= mask;
}

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
  /** Intermediate results: char code → binding and what it was made from. */
  private readonly local = new Map<number, { binding: number; sources: Sources }>();

  constructor(
    head: { name: string; letter: string },
    private readonly bindings: Binding[],
    private readonly nodeOfLetter: ReadonlyMap<number, number>,
  ) {
    this.own = bindings.length;
    this.ownLetter = head.letter.charCodeAt(0);
    bindings.push({ name: head.name, letter: head.letter });
  }

  /** Resolves the letters of an equation and records what its target is made from. */
  bind(sides: Expression[]): Equation {
    const first = sides[0]!;
    const letter = first !== null && first.length === 1 ? letterOf(first[0]!) : -1;
    const source = letter < 0 ? -1 : sides.findIndex((side, i) => i > 0 && hasLetters(side));
    const made = source < 0 ? null : this.sourcesOf(sides[source]!);
    const resolved = sides.map((side, i) => (i === 0 && letter >= 0 ? side : this.resolve(side)));
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
      if (made !== null) addSources(this.ownSources, made);
    } else {
      target = this.bindings.length;
      this.bindings.push({ name: null, letter: String.fromCharCode(letter) });
      this.local.set(letter, { binding: target, sources: made ?? none() });
    }
    resolved[0] = [bindingCode(target)];
    return { sides: resolved, target, source };
  }

  /** What the equations bound so far made the step's quantity from. */
  parents(): StepParents {
    const bindings: number[] = [];
    const undefinedLetters: string[] = [];
    for (let bit = 0; bit < 26; bit++) {
      const mask = 1 << bit;
      if (this.ownSources.upper & mask) bindings.push(this.nodeOfLetter.get(65 + bit)!);
      if (this.ownSources.lower & mask) bindings.push(this.nodeOfLetter.get(97 + bit)!);
      if (this.ownSources.undefinedUpper & mask) undefinedLetters.push(String.fromCharCode(65 + bit));
      if (this.ownSources.undefinedLower & mask) undefinedLetters.push(String.fromCharCode(97 + bit));
    }
    bindings.sort((a, b) => a - b);
    // Two letters may stand for one name that was defined twice.
    const names = new Set(bindings.map((index) => this.bindings[index]!.name!));
    return { names: [...names], undefinedLetters };
  }

  /** Binding that a letter stands for here, or -1. */
  private meaning(letter: number): number {
    if (letter === this.ownLetter && this.ownAssigned) return this.own;
    return this.local.get(letter)?.binding ?? this.nodeOfLetter.get(letter) ?? -1;
  }

  private resolve(side: Expression): Expression {
    if (!hasLetters(side)) return side;
    return side!.map((code) => {
      const letter = letterOf(code);
      if (letter < 0) return code;
      const binding = this.meaning(letter);
      return binding < 0 ? code : bindingCode(binding);
    });
  }

  private sourcesOf(expression: readonly number[]): Sources {
    const sources = none();
    for (const code of expression) {
      const letter = letterOf(code);
      if (letter < 0) continue;
      const binding = this.meaning(letter);
      if (binding === this.own) continue; // a running value of the step itself
      const local = this.local.get(letter);
      if (local !== undefined && local.binding === binding) addSources(sources, local.sources);
      else addLetter(sources, letter, binding >= 0);
    }
    return sources;
  }
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

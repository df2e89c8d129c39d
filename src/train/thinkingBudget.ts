/**
 * How long a thought may be, said in front of it by one special token `<B8>`, `<B16>`, …: a model that is trained from
 * nothing learns a token more easily than an instruction (METHODS §1.8). Texts with thoughts and reinforcement
 * mid-training use the same tokens.
 */
import { userError } from '../core/errors.ts';
import { THINK_TAGS, type Tokenizer } from '../tokenizer/index.ts';

/** A budget and the token that announces it. */
export interface BudgetToken {
  tokens: number;
  id: number;
}

/** The special token of a budget of so many tokens. */
export const budgetTag = (tokens: number): string => `<B${tokens}>`;

/** The budgets that a tokenizer has tokens for, from small to large. */
export function budgetTokens(tokenizer: Tokenizer): BudgetToken[] {
  return tokenizer.parts.added
    .flatMap(({ id, content, special }) => {
      const match = special ? /^<B([1-9][0-9]*)>$/.exec(content) : null;
      return match === null ? [] : [{ tokens: Number(match[1]), id }];
    })
    .sort((a, b) => a.tokens - b.tokens);
}

/** Those of the given lengths. @throws BUDGET_TOKENS when the tokenizer lacks one */
export function chosenBudgets(tokenizer: Tokenizer, lengths: readonly number[]): BudgetToken[] {
  const known = budgetTokens(tokenizer);
  return lengths.map((length) => {
    const found = known.find(({ tokens }) => tokens === length);
    if (found !== undefined) return found;
    throw userError(
      'BUDGET_TOKENS',
      `a tokenizer with the special token ${budgetTag(length)} for data.thinking.budgets`,
      `one with ${known.map(({ tokens }) => budgetTag(tokens)).join(', ') || 'none'}`,
      `train one with --special "${budgetTag(length)}"`,
    );
  });
}

/** The budget nearest to a length in ratio; of two equally near ones the smaller. */
export function nearestBudget(budgets: readonly BudgetToken[], length: number): BudgetToken {
  const distance = ({ tokens }: BudgetToken) => Math.abs(Math.log(tokens / Math.max(1, length)));
  return budgets.reduce((best, each) => (distance(each) < distance(best) ? each : best));
}

/** Ids of the tags around a thought. @throws THINK_TOKENS; `use` says what needs them */
export function thinkTokens(tokenizer: Tokenizer, use: string): { open: number; close: number } {
  const [open, close] = THINK_TAGS.map((tag) => {
    const id = tokenizer.idOf(tag);
    return id !== undefined && tokenizer.isSpecial(id) ? id : undefined;
  });
  if (open !== undefined && close !== undefined) return { open, close };
  throw userError(
    'THINK_TOKENS',
    `a tokenizer with the special tokens ${THINK_TAGS.join(' and ')} for ${use}`,
    `one without ${THINK_TAGS[open === undefined ? 0 : 1]}`,
    `train one with --special "${THINK_TAGS[0]}" "${THINK_TAGS[1]}"`,
  );
}

/** Puts the nearest budget's token in front of the thoughts in a sequence, or of those that `announced` chooses. */
export function announceLengths(
  ids: readonly number[],
  { open, close }: { open: number; close: number },
  budgets: readonly BudgetToken[],
  announced: () => boolean = () => true,
): number[] {
  const out: number[] = [];
  ids.forEach((id, i) => {
    const end = id === open ? ids.indexOf(close, i) : -1;
    if (end > 0 && announced()) out.push(nearestBudget(budgets, end - i - 1).id);
    out.push(id);
  });
  return out;
}

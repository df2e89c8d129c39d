/**
 * Contexts: the surface stories that one and the same dependency graph can be told in. A context is data; a
 * user's own is the same kind of object. Names, misspellings included ("racoon", "highschool",
 * "culinarian"), are the public reference's (PAPER §1.3), so that texts of both sources mix.
 */
import { z } from 'zod';
import { userError } from '../core/errors.ts';
import { canonicalJson } from '../core/hash.ts';
import { TEMPLATE_ALIASES } from './types.ts';

/** Words, single blanks between them; no punctuation that ends a sentence, an equation or a tag. */
const WORDS = /^[^\p{C}\p{Z}.;:,=<>]+(?: [^\p{C}\p{Z}.;:,=<>]+)*$/u;
const words = z.string().regex(WORDS, 'words with single blanks between them, without . ; : , = < >');

/**
 * What would make a text ambiguous: sentences and solutions are read back by " in " (whose place?), " per ", " and "
 * (the next term?) and " as " (whose letter?), and "total" and "average" say what kind of quantity comes.
 */
const name = words.refine(
  (text) => !/(?:^| )(?:in|per|and|as|define|answer|total|average)(?: |$)|^the number of /i.test(text),
  'a name without the words in, per, and, as, define, answer, total, average',
);
/** Names are told apart in Unicode's composed form. */
const group = z
  .array(name.transform((text) => text.normalize('NFC')))
  .min(1)
  .refine((names) => new Set(names).size === names.length, 'names that differ within their group');

/** `total number of schools`, `average number of teachers`. */
const phrase = (first: 'total' | 'average') =>
  words
    .refine((text) => text.startsWith(`${first} `), `a phrase that starts with "${first} "`)
    .refine((text) => !/ (?:in|per|and|as)(?: |$)/.test(text), 'a phrase without the words in, per, and, as');

/** One group of places and one of categories is drawn per problem; names within it without replacement. */
export const contextSchema = z
  .strictObject({
    /** As records carry it in `template`. */
    name: z.string().regex(/^[a-z0-9_]+$/, 'lower-case letters, digits and _'),
    /** A short name that is accepted wherever a user types one. */
    alias: z
      .string()
      .regex(/^[a-z0-9_]+$/)
      .optional(),
    /** Layer 0: "Cedar Valley". */
    places: z.array(group).min(1),
    /** Layer 1: "adult wolf". */
    categories: z.array(group).min(1),
    /** What the sum over a place's categories is called; starts with "total": "total number of schools". */
    total: phrase('total'),
    /** Layer 2, used by depth 3 only: the count per category and the name of its sum. */
    average: z.strictObject({
      item: phrase('average'),
      total: phrase('total'),
    }),
  })
  .refine(({ total, average }) => total !== average.total, {
    path: ['average', 'total'],
    message: 'another phrase than that of the total of counts',
  });

export type Context = z.infer<typeof contextSchema>;

export const ZOO: Context = {
  name: TEMPLATE_ALIASES.zoo,
  alias: 'zoo',
  places: [
    ['Beverly Forest', 'Cedar Valley', 'Oakridge Riverside', 'Pine Ridge', 'Maple Creek'],
    ['South Zoo', 'Jefferson Circus', 'Mayer Aquarium', 'Bundle Ranch', 'Hamilton Farm'],
  ],
  categories: [
    ['adult bear', 'adult wolf', 'adult deer', 'adult fox', 'adult racoon'],
    ['adult eagle', 'adult parrot', 'adult owl', 'adult blue jay', 'adult crow'],
  ],
  total: 'total number of adult animals',
  average: {
    item: 'average number of newborn children',
    total: 'total number of newborn animal children',
  },
};

export const SCHOOL: Context = {
  name: TEMPLATE_ALIASES.school,
  alias: 'school',
  places: [
    ['Evervale City', 'Hawkesbury', 'Glenfield City', 'Westhaven City', 'Brightford'],
    ['Riverton City', 'Clearwater Bay', 'Shoreline City', 'Oakbridge City', 'Ruby Bay'],
  ],
  categories: [
    [
      'elementary school',
      'private middle school',
      'public highschool',
      'regional medical school',
      'culinarian school',
    ],
  ],
  total: 'total number of schools',
  average: { item: 'average number of teachers', total: 'total number of teachers from all schools' },
};

export const FESTIVAL: Context = {
  name: TEMPLATE_ALIASES.festival,
  alias: 'festival',
  places: [
    [
      'Taylor Movie Festival',
      'Verdi Movie Festival',
      'West Sahara Movie Festival',
      'Northwood Movie Festival',
      'Golden Banana Movie Festival',
    ],
    [
      'Festival Lumière de Valmont',
      'Rêves de Belleville',
      'Cinéma de Montreval',
      'Festival de Clairmont',
      'Festival de Saint-Rivage',
    ],
  ],
  categories: [
    [
      'upbeat metropolis comedy',
      'solemn period drama',
      'futuristic sci-fi movie',
      'calm road movie',
      'intense detective thriller',
    ],
  ],
  total: 'total number of movies',
  average: { item: 'average number of nominations', total: 'total number of movie nominations' },
};

/** The contexts of the paper, in its order A, B, C. */
export const CONTEXTS: readonly Context[] = [ZOO, SCHOOL, FESTIVAL];

/**
 * The context of a name or alias; a user's own object passes after a check.
 * @param defined Contexts that can be named beside the paper's three.
 * @throws CONTEXT_UNKNOWN, CONTEXT_INVALID
 */
export function resolveContext(context: string | Context, defined: readonly Context[] = []): Context {
  if (typeof context === 'string') {
    const all = [...defined, ...CONTEXTS];
    const found = all.find((known) => known.name === context || known.alias === context);
    if (found) return found;
    const names = all.map((known) => known.alias ?? known.name).join(', ');
    throw userError('CONTEXT_UNKNOWN', `a context of ${names}`, `'${context}'`, `use one of ${names}`);
  }
  const checked = contextSchema.safeParse(context);
  if (!checked.success) {
    const issue = checked.error.issues[0]!;
    throw userError(
      'CONTEXT_INVALID',
      `a context whose ${issue.path.join('.') || 'fields'} is valid`,
      issue.message,
      'correct that field',
    );
  }
  checkNames([...CONTEXTS, checked.data]);
  return checked.data;
}

/**
 * Refuses different contexts of one name: records would not say which they are of.
 * @throws CONTEXT_INVALID
 */
export function checkNames(contexts: readonly Context[]): void {
  const owners = new Map<string, Context>();
  for (const context of contexts) {
    for (const used of [context.name, context.alias]) {
      if (used === undefined) continue;
      const owner = owners.get(used) ?? context;
      owners.set(used, owner);
      if (owner === context || canonicalJson(owner) === canonicalJson(context)) continue;
      throw userError(
        'CONTEXT_INVALID',
        'a name and an alias that no other context has',
        `'${used}' for two contexts`,
        'choose another name',
      );
    }
  }
}

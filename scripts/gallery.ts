/**
 * The gallery's problems: one task per context, mode and op, and one of depth 3, with its text and its drawn gold
 * graph. `node --import tsx scripts/gallery.ts` writes docs/gallery.md (the part under its heading "Problems") and
 * the pictures under figures/gallery/tasks; test/scripts/gallery.test.ts compares them with what is committed.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { writeFileAtomically } from '../src/core/files.ts';
import { drawGraph } from '../src/figures/graph/index.ts';
import { escapeMarkup } from '../src/figures/svg/markup.ts';
import { createTaskSource, type Task } from '../src/tasks/index.ts';

const CONTEXTS = ['zoo', 'school', 'festival'] as const;
const MODES = ['forward', 'reverse'] as const;
/** What is shown of each context and mode. */
const KINDS = [
  { depth: 2, op: 2 },
  { depth: 2, op: 6 },
  { depth: 2, op: 11 },
  { depth: 2, op: 15 },
  { depth: 2, op: 20 },
  { depth: 3, op: 11 },
] as const;
const SEED = 1;

const PAGE = fileURLToPath(new URL('../docs/gallery.md', import.meta.url));
const PICTURES = fileURLToPath(new URL('../figures/gallery/tasks/', import.meta.url));
/** Everything from this line on is generated. */
const HEADING = '## Problems\n';

/** The page and the SVG of each picture by its file name. A pure function of the generator and the text kept. */
export function makeGallery(page: string): { page: string; pictures: Map<string, string> } {
  const pictures = new Map<string, string>();
  const at = page.indexOf(HEADING);
  const parts = [
    at < 0 ? `${page}\n` : page.slice(0, at),
    HEADING,
    `
Task 0 of seed ${SEED} and split \`train\` for each context, mode and op. Open a line for the whole text.
\`node --import tsx scripts/gallery.ts\` makes this part and its pictures anew after an intended change; look at
them before committing.
`,
  ];
  for (const context of CONTEXTS) {
    for (const mode of MODES) {
      parts.push(`\n### ${context}, ${mode}\n`);
      for (const { depth, op } of KINDS) {
        const source = createTaskSource({
          contexts: [context],
          modes: [mode],
          depths: [depth],
          ops: [op],
          seed: SEED,
        });
        const task = source.at(0);
        const title = `op ${op}${depth === 3 ? ', depth 3' : ''}`;
        const file = `${context}-${mode}-${op}${depth === 3 ? '-depth3' : ''}.svg`;
        pictures.set(file, drawGraph(task.graph, { title: `${context}, ${mode}, ${title}` }).svg);
        parts.push(section(title, task, file));
      }
    }
  }
  return { page: parts.join(''), pictures };
}

/** HTML without a blank line, so that the `*` of a solution is no Markdown. */
function section(title: string, task: Task, picture: string): string {
  const { problem, question, solution, graph } = task;
  return `
#### ${title}

<details><summary>${escapeMarkup(question)} (${graph.answer})</summary>
<p>${escapeMarkup(problem.trim())}</p>
<p><b>${escapeMarkup(question)}</b></p>
<p>${escapeMarkup(solution)}</p>
</details>

![gold graph](../figures/gallery/tasks/${picture})
`;
}

/** The page as it is committed. */
export function readPage(): string {
  return readFileSync(PAGE, 'utf8');
}

/** The committed pictures by file name. */
export function readPictures(): Map<string, string> {
  const names = existsSync(PICTURES) ? readdirSync(PICTURES).sort() : [];
  return new Map(names.map((name) => [name, readFileSync(`${PICTURES}${name}`, 'utf8')]));
}

/** Writes page and pictures; pictures that the page no longer shows are removed. */
export function writeGallery(): void {
  const { page, pictures } = makeGallery(readPage());
  mkdirSync(PICTURES, { recursive: true });
  for (const name of readPictures().keys()) if (!pictures.has(name)) rmSync(`${PICTURES}${name}`);
  for (const [name, svg] of pictures) writeFileAtomically(`${PICTURES}${name}`, svg);
  writeFileAtomically(PAGE, page);
}

if (argv[1] === fileURLToPath(import.meta.url)) writeGallery();

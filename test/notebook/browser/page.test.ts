import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type BrowseOptions, browse, browseAsPage, samples } from '../../../src/notebook/index.ts';
import { createTaskSource, type Task } from '../../../src/tasks/index.ts';
import { interplay } from '../../cli/commandLine.ts';
import { byClass, parseXml, select, type XmlNode } from '../../figures/xml.ts';
import { shown } from '../views.ts';
import { savedSample, spoiledSamples, writeEvaluation } from './evaluations.ts';

interface Payload {
  problems: { id: string; html: string }[];
  samples: { problem: number; index: number; html: string; graph: string }[];
  cells: number[][];
}

const scriptOf = (html: string) => /<script>([\s\S]*)<\/script>/.exec(html)![1]!;
const idOf = (html: string) => /data-interplay-browser="([^"]+)"/.exec(html)![1]!;
/** What stands on the page without scripts. */
const stillOf = (html: string) =>
  parseXml(html.replace(/<script>[\s\S]*<\/script>/, '').replace(/<style>[\s\S]*?<\/style>/, ''));
const payloadOf = (html: string): Payload =>
  JSON.parse(
    gunzipSync(Buffer.from(/DATA = '([^']+)'/.exec(scriptOf(html))![1]!, 'base64')).toString('utf8'),
  );
const textOf = (node: XmlNode): string => node.text + node.children.map(textOf).join(' ');

describe('the sample browser', () => {
  let folder: string;
  let tasks: Task[];
  const html = (options?: BrowseOptions) => shown(browse(folder, options)).html;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'interplay-'));
    tasks = createTaskSource({
      ops: '2-6,20',
      contexts: ['zoo', 'festival'],
      modes: ['forward', 'reverse'],
      seed: 2,
    }).take(40);
    writeEvaluation(folder, tasks, spoiledSamples(tasks, 7));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('holds each shown sample with its problem, and how many there are of each kind', () => {
    const { problems, samples: held, cells } = payloadOf(html({ limit: 25 }));
    assert.equal(held.length, 25);
    assert.deepEqual(new Set(held.map(({ problem }) => problem)).size, problems.length);
    assert.equal(
      cells.reduce((sum, cell) => sum + cell.at(-1)!, 0),
      40 * 7,
    );
    const all = new Map(Array.from(samples(folder), (row) => [`${row.task_id}/${row.sample_index}`, row]));
    for (const { problem, index, html: detail, graph } of held) {
      const row = all.get(`${problems[problem]!.id}/${index}`)!;
      const root = parseXml(`<div>${problems[problem]!.html}${detail}</div>`);
      const raw = select(root, ({ name }) => name === 'pre')[0]!;
      assert.equal(raw.text, row.response);
      const steps = select(root, ({ name }) => name === 'tbody')[0]!.children;
      const [, , answer] = steps.at(-1)!.children;
      assert.equal(
        textOf(answer!),
        row.extracted_answer === null ? 'none' : `Answer: ${row.extracted_answer}`,
      );
      const first = byClass(root, 'first');
      assert.equal(first.length, row.first_error === null ? 0 : 1);
      if (row.first_error !== null) {
        assert.ok(first[0]!.attributes.class!.startsWith('step-'));
        assert.equal(first[0]!.children[0]!.text, String(row.first_error.step + 1));
        assert.match(textOf(first[0]!), new RegExp(`first error: ${row.first_error.kind}`));
      }
      assert.equal(parseXml(graph.trim()).name, 'svg');
    }
  });

  it('gives a quantity one colour and number in problem, response and both graphs', () => {
    const { problems, samples: held } = payloadOf(html({ op: 20, sample: [0, 2] }));
    for (const { problem, html: detail, graph } of held) {
      const looks = new Map<string, Set<string>>();
      const add = (name: string, look: string) => looks.set(name, (looks.get(name) ?? new Set()).add(look));
      const root = parseXml(`<div>${problems[problem]!.html}${detail}</div>`);
      for (const mark of select(root, ({ name }) => name === 'mark')) {
        const colour = /background:(#\w+)/.exec(mark.attributes.style!)![1]!;
        assert.equal(mark.children[0]!.text.trim(), mark.attributes['data-quantity']);
        add(mark.text, `${mark.attributes['data-quantity']} ${colour}`);
      }
      const nodes = byClass(parseXml(graph.trim()), 'node');
      for (const node of nodes) {
        const fill = byClass(node, 'box')[0]!.attributes.fill!;
        add(node.attributes['data-name']!, `${byClass(node, 'quantity')[0]!.text} ${fill}`);
      }
      for (const [name, seen] of looks) assert.equal(seen.size, 1, `${name}: ${[...seen].join(', ')}`);
      assert.equal(new Set([...looks.values()].flatMap((seen) => [...seen])).size, looks.size);
      assert.equal(nodes.length, 2 * looks.size, 'every quantity stands in both graphs');
    }
  });

  it('shows the first samples and all counts where scripts and styles are removed', () => {
    const root = stillOf(html({ limit: 25 }));
    const details = select(
      root,
      ({ name, children }) => name === 'details' && textOf(children[0]!).includes('op'),
    );
    assert.equal(details.length, 3);
    assert.equal(details.filter(({ attributes }) => attributes.open !== undefined).length, 1);
    assert.equal(select(root, ({ name }) => name === 'img').length, 3);
    assert.match(textOf(root), /22 more samples and the filters need scripts/);
    assert.match(textOf(root), /25 of 280 samples/);
    assert.equal(select(root, ({ attributes }) => 'onclick' in attributes || 'id' in attributes).length, 0);
  });

  it('is the same again, another for other samples, and loads nothing', () => {
    const page = html();
    assert.equal(html(), page);
    assert.notEqual(idOf(html({ op: 3 })), idOf(page));
    assert.ok(!/\b(?:src|href)="(?!data:)|url\(|@import|fetch\(|<link/.test(page), 'nothing is loaded');
    assert.ok(page.length < 300_000, `${page.length} characters`);
    assert.ok(html({ op: 20 }).length < 500_000, 'the largest graphs only');
  });

  it('escapes whatever problems and responses say', () => {
    const evil = '</script><img src=x onerror=alert(1)>';
    const hostile = {
      ...tasks[0]!,
      problem: `${evil} The number of ${evil} is 2.`,
      graph: {
        nodes: [
          {
            name: evil,
            value: 2,
            dependencies: [],
            kind: 'instance' as const,
            constant: 2,
            operation: 'constant' as const,
          },
        ],
        query: evil,
        answer: 2,
      },
      solution: `Define ${evil} as a; so a = 2. Answer: 2.`,
    };
    const other = mkdtempSync(join(tmpdir(), 'interplay-'));
    try {
      const response = `Define ${evil} as b; so b = 3. <b>bold</b> </solution> <answer> <i>3</i> </answer>`;
      writeEvaluation(other, [hostile], [savedSample(hostile, 0, response)]);
      const page = shown(browse(other)).html;
      assert.equal(page.match(/<\/?script/g)!.length, 2);
      const { problems, samples: held } = payloadOf(page);
      for (const part of [page, problems[0]!.html, held[0]!.html, held[0]!.graph]) {
        assert.ok(!/<img src=x|<b>bold|<i>3/.test(part), part);
      }
      stillOf(page);
    } finally {
      rmSync(other, { recursive: true });
    }
  });

  it('reads as text', () => {
    const { text } = shown(browse(folder, { op: 2, verdict: 'verified', limit: 3 }));
    const lines = text.split('\n');
    assert.equal(lines[0], `Samples of ${folder}`);
    assert.match(lines[1]!, /^3 of \d+ matching \(of 280\) samples/);
    assert.match(text, /^verified +\d+ +1$/m);
    assert.equal(lines.filter((line) => / verified +1$/.test(line)).length, 3);
  });

  it('pages through in task order; says so when nothing passes', () => {
    const seen = [1, 2, 3].flatMap((page) => {
      const { problems, samples: held } = payloadOf(html({ op: 2, limit: 20, page }));
      return held.map(({ problem, index }) => `${problems[problem]!.id}/${index}`);
    });
    const expected = Array.from(
      samples(folder).filter({ op: 2 }),
      (row) => `${row.task_id}/${row.sample_index}`,
    );
    assert.deepEqual(seen, expected.slice(0, seen.length));
    assert.ok(seen.length === 60 || seen.length === expected.length, `${seen.length} of ${expected.length}`);
    assert.throws(() => html({ op: 2, limit: 20, page: 99 }), { code: 'BROWSE_FILTER' });
    assert.match(html({ op: 7 }), /none of 280 samples passes the filters/);
  });

  it('filters, lists and steps through samples in a page, two browsers apart', function () {
    const chromium = ['chromium', 'chromium-browser', 'google-chrome']
      .flatMap((name) => (process.env.PATH ?? '').split(delimiter).map((part) => join(part, name)))
      .find((path) => existsSync(path));
    if (chromium === undefined) this.skip();
    this.timeout(60_000);
    const script = `
const roots = [...document.querySelectorAll('[data-interplay-browser]')];
const wait = setInterval(() => {
  if (roots.some((root) => root.querySelector('.chips button') === null)) return;
  clearInterval(wait);
  const [first] = roots;
  const select = first.querySelectorAll('select')[3];
  select.value = 'verified';
  select.dispatchEvent(new Event('change'));
  first.querySelector('.list').dispatchEvent(new KeyboardEvent('keydown', { key: 'End', bubbles: true }));
  const state = roots.map((root) => ({
    chips: [...root.querySelectorAll('.chips button')].map((chip) => chip.textContent),
    current: [...root.querySelectorAll('[aria-current="true"]')].map((chip) => chip.textContent),
    status: root.querySelector('[role=status]').textContent,
    summary: root.querySelector('.sample .summary').textContent,
    graphs: root.querySelectorAll('.sample svg').length,
    still: root.querySelector('.still').hidden,
  }));
  document.body.textContent = '';
  document.body.setAttribute('data-state', encodeURIComponent(JSON.stringify(state)));
}, 20);`;
    const [one, two] = [html({ limit: 20 }), html({ op: 3, limit: 8 })];
    const path = join(folder, 'two.html');
    writeFileSync(
      path,
      `<!DOCTYPE html><meta charset="utf-8"><body>${one}${two}<script>${script}</script></body>`,
    );
    const flags = [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--virtual-time-budget=20000',
      '--dump-dom',
    ];
    const result = spawnSync(chromium, [...flags, `file://${path}`], { encoding: 'utf8', timeout: 50_000 });
    const state = JSON.parse(
      decodeURIComponent(/data-state="([^"]+)"/.exec(result.stdout)?.[1] ?? 'null'),
    ) as {
      [name: string]: string[];
    }[];
    assert.ok(state !== null, result.stderr.slice(-500));
    const [filtered, untouched] = state;
    const verified = [...samples(folder).filter({ verdict: 'verified' })].length;
    assert.ok(
      filtered!.chips!.length > 0 && filtered!.chips!.every((chip) => chip.startsWith('✓')),
      'only verified',
    );
    assert.deepEqual(filtered!.current, filtered!.chips!.slice(-1));
    assert.equal(
      filtered!.status,
      `${filtered!.chips!.length} of the 20 samples here, of ${verified} in the evaluation. Others: browse('${folder}', { verdict: 'verified', page: 1 })`,
    );
    assert.match(String(filtered!.summary), /^✓ verified/);
    assert.equal(untouched!.chips!.length, 8);
    for (const { graphs, still } of state) assert.deepEqual([graphs, still], [1, true]);
  });
});

describe('interplay browse', () => {
  let folder: string;
  const at = (name: string) => join(folder, name);
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'interplay-'));
    const tasks = createTaskSource({ world: 'micro', contexts: ['zoo'], ops: '2-3', seed: 1 }).take(4);
    writeEvaluation(at('eval'), tasks, spoiledSamples(tasks, 3));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('writes a page of the samples that pass', async () => {
    const out = at('page.html');
    const { code, stdout } = await interplay('browse', at('eval'), '--out', out, '--sample', '0,2', '--json');
    assert.equal(code, 0);
    const { matching, shown: count, verdicts } = JSON.parse(stdout);
    assert.deepEqual([matching, count, verdicts.verified], [8, 8, 4]);
    assert.equal(readFileSync(out, 'utf8'), browseAsPage(at('eval'), { sample: [0, 2], limit: 200 }).html);
    const again = await interplay('browse', at('eval'), '--out', out, '--op', '2-3', '--verdict', 'verified');
    assert.match(again.stdout, /^4 of 4 matching samples \(all\) written to /);
  });

  it('refuses wrong filters, endings and folders, and writes nothing', async () => {
    const out = at('none.html');
    const cases: [string, string[]][] = [
      ['BROWSE_FILTER', [at('eval'), '--out', out, '--verdict', 'good']],
      ['BROWSE_FILTER', [at('eval'), '--out', out, '--context', 'moon']],
      ['OPS_INVALID', [at('eval'), '--out', out, '--op', 'two']],
      ['OUT_FORMAT', [at('eval'), '--out', at('none.txt')]],
      ['INPUT_UNREADABLE', [at('nowhere'), '--out', out]],
      ['USAGE', [at('eval')]],
    ];
    for (const [expected, flags] of cases) {
      const { code, stderr } = await interplay('browse', ...flags);
      assert.equal(code, 2);
      assert.match(stderr, new RegExp(`^interplay: ${expected}: .*\n$`));
    }
    assert.ok(!existsSync(out) && !existsSync(at('none.txt')), 'nothing is written');
  });
});

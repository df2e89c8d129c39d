import assert from 'node:assert/strict';
import { Chromium, chromiumPath } from '../../../src/figures/chromium.ts';
import { drawGraphPair, drawResponses, type GraphFigure } from '../../../src/figures/graph/index.ts';
import { createTaskSource, responseText } from '../../../src/tasks/index.ts';
import { faulty, gold } from './graphs.ts';

/** A page of the real browser, for what only a browser can show. */
async function openPage() {
  const browser = await Chromium.start();
  const { targetId } = await browser.send('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await browser.send('Target.attachToTarget', { targetId, flatten: true });
  const page = sessionId as string;
  const { frameTree } = await browser.send('Page.getFrameTree', {}, page);
  const frameId = (frameTree as { frame: { id: string } }).frame.id;
  return {
    close: () => browser.close(),
    show: (html: string) => browser.send('Page.setDocumentContent', { frameId, html }, page),
    async run<T>(expression: string): Promise<T> {
      const given = { expression, returnByValue: true };
      const { result, exceptionDetails } = (await browser.send('Runtime.evaluate', given, page)) as {
        result: { value: T };
        exceptionDetails?: unknown;
      };
      assert.equal(exceptionDetails, undefined, JSON.stringify(exceptionDetails));
      return result.value;
    },
  };
}

const htmlOf = (figure: GraphFigure) =>
  (figure as unknown as Record<symbol, () => Record<string, string>>)[Symbol.for('Jupyter.display')]!()[
    'text/html'
  ]!;

const FOX = 'adult fox in Cedar Valley';
const EAGLE = 'adult eagle in Cedar Valley';
const PARROT = 'adult parrot in Maple Creek';
const details = new Map([
  [EAGLE, { sentence: 'The <b>number</b>.', gold: 'Define it.', response: 'so it is.' }],
]);

describe('graphs under the pointer', function () {
  this.timeout(60_000);
  let page: Awaited<ReturnType<typeof openPage>>;
  before(async function () {
    if (chromiumPath() === undefined) this.skip();
    page = await openPage();
  });
  after(() => page?.close());

  const at = (name: string) =>
    `[...document.querySelectorAll('.node')].filter(n=>n.dataset.name===${JSON.stringify(name)})`;
  const fire = (name: string, event: string) =>
    page.run(`${at(name)}[0].dispatchEvent(new Event(${JSON.stringify(event)}))`);
  const faded = () =>
    page.run<string[]>(
      `[...document.querySelectorAll('.node')].filter(n=>n.style.opacity).map(n=>n.dataset.name)`,
    );
  const box = `document.querySelector('[role=tooltip]')`;

  it('shows what the texts say, and what a quantity rests on, in both panels', async () => {
    await page.show(htmlOf(drawGraphPair(gold, faulty, undefined, { details })));
    assert.equal(await page.run('document.querySelectorAll("img").length'), 0, 'the picture became SVG');
    await fire(EAGLE, 'mouseenter');
    assert.equal(await page.run(`${box}.style.display`), 'block');
    assert.deepEqual(await page.run(`[...${box}.children].map(c=>c.textContent)`), [
      `${EAGLE}: 3; from ${PARROT} (derived)`,
      'Problem: The <b>number</b>.',
      'Solution: Define it.',
      'Response: so it is.',
    ]);
    const kept = new Set([EAGLE, PARROT]);
    const others = [...gold.nodes, ...gold.nodes, { name: 'adult bear in Hamilton Farm' }]
      .map(({ name }) => name)
      .filter((name) => !kept.has(name));
    assert.deepEqual((await faded()).sort(), others.sort());
    await fire(EAGLE, 'mouseleave');
    assert.deepEqual(await faded(), []);
    assert.equal(await page.run(`${box}.style.display`), 'none');
  });

  it('answers to the keyboard, and keeps the box on the page', async () => {
    await page.show(drawGraphPair(gold, faulty).page);
    assert.equal(
      await page.run(`${at(FOX)}.every(n=>n.tabIndex===0&&n.getAttribute('aria-label')!=='')`),
      true,
    );
    for (const { name } of gold.nodes) {
      await fire(name, 'focus');
      const place: number[] = await page.run(
        `(b=>[b.left,b.top,document.body.scrollWidth-b.right])(${box}.getBoundingClientRect())`,
      );
      assert.ok(Math.min(...place) >= -0.5, `${name}: ${place}`);
      await fire(name, 'blur');
    }
  });

  it('shows the same quantity in every cell of a grid', async () => {
    const task = createTaskSource({ ops: '6', seed: 2 }).take(1)[0]!;
    await page.show(htmlOf(drawResponses(task, [responseText(task), responseText(task), ''])));
    const last = task.graph.nodes[0]!.name;
    await fire(last, 'mouseenter');
    assert.equal(await page.run(`${at(last)}.length`), 3);
    assert.equal((await faded()).filter((name) => name === last).length, 0);
    assert.equal((await faded()).length, 3 * (task.graph.nodes.length - 1));
  });

  it('is a picture without scripts', async () => {
    const still = htmlOf(drawGraphPair(gold, faulty)).replace(/<script[\s\S]*?<\/script>/g, '');
    await page.show(still);
    const size = await page.run<number[]>(
      `(i=>[i.naturalWidth,i.naturalHeight])(document.querySelector('img'))`,
    );
    assert.ok(
      size.every((length) => length > 200),
      String(size),
    );
  });
});

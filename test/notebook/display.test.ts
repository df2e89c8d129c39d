import assert from 'node:assert/strict';
import { from } from 'arquero';
import {
  clearOutput,
  type DisplayHost,
  display,
  displayHtml,
  hasRichDisplay,
  input,
  isMimeBundle,
  type MimeBundle,
  newDisplay,
  setDisplayHost,
  toBundle,
} from '../../src/notebook/display.ts';

/** A host that remembers what it was told. */
function recorder() {
  const calls: unknown[] = [];
  const host: DisplayHost = {
    publish: (type, bundle, id) => calls.push([type, bundle, id]),
    clear: (wait) => calls.push(['clear', wait]),
    input: async (prompt, password) => `${prompt}${password}`,
  };
  return { calls, host };
}

describe('display', () => {
  afterEach(() => {
    setDisplayHost(undefined);
    delete (globalThis as { tslab?: unknown }).tslab;
  });

  it('knows a MIME bundle from an object that only resembles one', () => {
    assert.ok(isMimeBundle({ 'text/plain': 'x', 'application/vnd.plotly.v1+json': {} }));
    for (const other of [
      {},
      { a: 1 },
      { 'text/plain': 'x', a: 1 },
      null,
      'text/plain',
      ['text/plain'],
      new Map(),
    ]) {
      assert.ok(!isMimeBundle(other));
    }
  });

  it('values: text as Node prints it, display methods, tables that write themselves', async () => {
    assert.deepEqual(toBundle('a\n'), { 'text/plain': "'a\\n'" });
    assert.deepEqual(toBundle({ a: [1] }), { 'text/plain': '{ a: [ 1 ] }' });
    const shown = { [Symbol.for('Jupyter.display')]: () => ({ 'text/html': '<p>' }) };
    assert.deepEqual(toBundle(shown), { 'text/html': '<p>' });
    const later = { [Symbol.for('Jupyter.display')]: async () => ({ 'text/html': '<q>' }) };
    assert.deepEqual(await toBundle(later), { 'text/html': '<q>' });
    const table = toBundle(from([{ a: 1, b: 'x' }])) as MimeBundle;
    assert.match(String(table['text/html']), /<th [^>]*>a<.*<td [^>]*>x</s);
    assert.equal(table['text/plain'], 'a  b\n1  x');
    const wrong = { [Symbol.for('Jupyter.display')]: () => 'text' };
    assert.throws(() => toBundle(wrong), /must return a MIME bundle/);
  });

  it('tables of danfojs, by the fields its DataFrame and Series have', () => {
    class NDframe {
      $data: unknown[] = [];
      constructor(
        readonly columns: string[],
        readonly values: unknown[],
        readonly index: (string | number)[],
        readonly shape: number[],
      ) {}
    }
    const frame = new NDframe(
      ['op', 'name'],
      [
        [2, 'a'],
        [3, 'b'],
      ],
      ['r0', 'r1'],
      [2, 2],
    );
    assert.equal((toBundle(frame) as MimeBundle)['text/plain'], '    op  name\nr0   2  a\nr1   3  b');
    const series = new NDframe(['loss'], [0.5, 0.25], [0, 1], [2]);
    assert.equal((toBundle(series) as MimeBundle)['text/plain'], '   loss\n0   0.5\n1  0.25');
    const plain = { columns: ['a'], values: [[1]], shape: [1, 1] };
    assert.deepEqual(Object.keys(toBundle(plain)), ['text/plain']);
  });

  it('publishes through the host; a handle updates what it has shown', async () => {
    const { calls, host } = recorder();
    setDisplayHost(host);
    displayHtml('<b>', 'b');
    const handle = newDisplay();
    handle.update('x');
    handle.update({ 'text/plain': 'y' });
    clearOutput({ wait: true });
    const id = (calls[1] as unknown[])[2];
    assert.match(String(id), /^interplay-/);
    assert.deepEqual(calls, [
      ['display_data', { 'text/html': '<b>', 'text/plain': 'b' }, undefined],
      ['display_data', { 'text/plain': "'x'" }, id],
      ['update_display_data', { 'text/plain': 'y' }, id],
      ['clear', true],
    ]);
    assert.equal(await input('?', { password: true }), '?true');
  });

  it('uses the display functions of tslab where it finds them', () => {
    const shown: unknown[] = [];
    const place = { raw: (type: string, content: unknown) => shown.push([type, content]) };
    Object.assign(globalThis, { tslab: { display: place, newDisplay: () => place } });
    assert.ok(hasRichDisplay());
    display({ 'text/plain': 'p', 'text/html': '<p>' });
    newDisplay().update('v');
    assert.deepEqual(shown, [
      ['text/html', '<p>'],
      ['text/plain', "'v'"],
    ]);
  });

  it('writes text where there is no notebook', async () => {
    assert.ok(!hasRichDisplay());
    const { write } = process.stdout;
    const written: unknown[] = [];
    process.stdout.write = ((text: unknown) => written.push(text) > 0) as typeof write;
    try {
      display({ 'text/html': '<b>', 'text/plain': 'plain' });
      clearOutput();
    } finally {
      process.stdout.write = write;
    }
    assert.deepEqual(written, ['plain\n']);
    await assert.rejects(input('?'), /needs a notebook/);
  });
});

import assert from 'node:assert/strict';
import { from } from 'arquero';
import { forgetLibrary, takeLibrary } from '../../src/figures/plotly/bundle.ts';
import { initPlotly, showPlotly, showTable } from '../../src/notebook/index.ts';
import { parseXml, select } from '../figures/xml.ts';
import { shown } from './views.ts';

const rows = [
  { op: 2, name: 'a <b> & "c"', value: 0.123456, low: Number.NaN },
  { op: 10, name: "it's", value: 1, low: 0.00001234 },
];
const cells = (html: string) =>
  select(parseXml(html), ({ name }) => name === 'tr').map((row) => row.children.map(({ text }) => text));

describe('tables in a notebook', () => {
  it('round numbers, say NaN and escape texts', () => {
    assert.deepEqual(cells(shown(showTable(rows)).html), [
      ['op', 'name', 'value', 'low'],
      ['2', 'a <b> & "c"', '0.1235', 'NaN'],
      ['10', "it's", '1', '1.234e-5'],
    ]);
    assert.equal(
      shown(showTable(rows, { title: 'Rows' })).text,
      [
        'Rows',
        'op  name          value       low',
        ' 2  a <b> & "c"  0.1235       NaN',
        "10  it's              1  1.234e-5",
      ].join('\n'),
    );
  });

  it('align numbers to the right and texts to the left', () => {
    const heads = select(parseXml(shown(showTable(rows)).html), ({ name }) => name === 'th');
    assert.deepEqual(
      heads.map(({ attributes }) => /text-align:(\w+)/.exec(attributes.style!)![1]),
      ['right', 'left', 'right', 'right'],
    );
  });

  it('are the same from arquero, whole or cut, with chosen columns', () => {
    assert.equal(shown(showTable(from(rows))).html, shown(showTable(rows)).html);
    const many = Array.from({ length: 50 }, (_, i) => ({ i, j: -i }));
    const { html, text } = shown(showTable(many, { rows: 3, columns: ['j'] }));
    assert.deepEqual(cells(html).slice(0, 4), [['j'], ['0'], ['-1'], ['-2']]);
    assert.match(text, /… 47 more rows$/);
  });

  it('come in pages, the first one open, to a thousand rows', () => {
    const many = Array.from({ length: 2003 }, (_, i) => ({ i }));
    const { html } = shown(showTable(many, { rows: 300 }));
    const page = (from: number, to: number) => [
      ['i'],
      ...Array.from({ length: to - from }, (_, i) => [String(from + i)]),
    ];
    assert.deepEqual(cells(html), [
      ...page(0, 300),
      ...page(300, 600),
      ...page(600, 900),
      ...page(900, 1000),
    ]);
    const closed = select(parseXml(html), ({ name }) => name === 'details');
    assert.deepEqual(
      closed.map(({ children }) => children[0]!.text),
      ['rows 301–600 of 2003', 'rows 601–900 of 2003', 'rows 901–1000 of 2003'],
    );
    assert.match(html, /… 1003 more rows/);
    assert.ok(!shown(showTable(many.slice(0, 20))).html.includes('<details'), 'one page');
  });

  it('refuse what is no table', () => {
    assert.throws(() => showTable('rows' as never), { code: 'FIGURE_FRAME' });
    assert.match(shown(showTable([])).text, /no rows/);
  });
});

describe('plotly in cells', () => {
  it('is put on the page again by initPlotly', () => {
    takeLibrary();
    assert.equal(takeLibrary(), '');
    assert.ok(shown(initPlotly()).html.length > 1_000_000);
    assert.equal(takeLibrary(), '');
    forgetLibrary();
  });

  it('shows any specification, with its points as text', () => {
    takeLibrary();
    const spec = {
      data: [{ type: 'scatter', name: 's', x: [1, 2], y: new Float32Array([0.5, 0.25]) }, { type: 'pie' }],
      layout: {},
    };
    const { html, text } = shown(showPlotly(spec, { title: 'T' }));
    assert.match(html, /newPlot/);
    assert.equal(
      text,
      ['T', 'trace    x     y  type', 's        1   0.5', 's        2  0.25', 'trace 1           pie'].join(
        '\n',
      ),
    );
    assert.ok(shown(showPlotly(spec, { selfContained: true })).html.length > 1_000_000);
  });
});

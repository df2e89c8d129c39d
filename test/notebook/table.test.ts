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
    assert.deepEqual(cells(html), [['j'], ['0'], ['-1'], ['-2']]);
    assert.match(html, /… 47 more rows/);
    assert.match(text, /… 47 more rows$/);
    assert.equal(cells(shown(showTable(many)).html).length, 21);
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

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FigureTable, table1, table2, table3 } from '../../src/figures/index.ts';

describe('tables of the paper', () => {
  it('1: the paper’s model has the paper’s parameters', () => {
    assert.equal(
      table1().csv.split('\n')[1],
      'paper-100m,12,768,3072,12,2,2200,2048,103170816,101481216', // PAPER §3
    );
  });

  it('2: recipes in words', () => {
    const rows = new Map(table2().rows.map((row) => [row[2], row.slice(3)]));
    assert.deepEqual(rows.get('paper-midtrain'), [
      '20 % op 2–10 + 80 % op 11–14',
      'A, B, C equally',
      'Table 3',
    ]);
    assert.deepEqual(rows.get('paper-context-pretrain-10b'), [
      'A: op 2–20; B: op 2',
      '90 % A + 10 % B',
      '10 B tokens',
    ]);
    assert.deepEqual(rows.get('paper-pretrain')![0], '20 % op 2–4 + 30 % op 5–7 + 50 % op 8–10');
  });

  it('3: the paper’s budgets', () => {
    // PAPER §9; the paper truncates 30,517.6 steps of 80/20 at 20 B, we round.
    const rows = table3().rows.map((row) => row.join(' | '));
    assert.equal(rows[0], '1.05 | 2,000 | 50 | 51.2 | 1,600, 10 | 1,000, 25 | 400, 40');
    assert.equal(rows[3], '8.39 | 16,000 | 400 | 409.6 | 12,800, 80 | 8,000, 200 | 3,200, 320');
    assert.equal(rows[6], '20.00 | 38,147 | 954 | 976.6 | 30,518, 191 | 19,073, 477 | 7,629, 763');
  });

  it('are written for spreadsheets, pages and papers', () => {
    const table = new FigureTable(
      'T & x',
      '50 % of a_b',
      [{ title: 'name' }, { title: 'n', align: 'right' }],
      [['a, "b" | c', '1,200']],
    );
    assert.equal(table.csv, 'name,n\n"a, ""b"" | c",1200\n');
    assert.equal(table.markdown, '| name | n |\n| --- | ---: |\n| a, "b" \\| c | 1,200 |\n\n50 % of a_b\n');
    assert.ok(table.latex.includes('\\caption{T \\& x. 50 \\% of a\\_b}'), table.latex);
    assert.ok(
      table.latex.includes('\\begin{tabular}{lr}\n\\toprule\nname & n \\\\\n\\midrule\n'),
      table.latex,
    );
    assert.ok(table.html.includes('<td style="text-align:right">1,200</td>'), table.html);
    const folder = mkdtempSync(join(tmpdir(), 'interplay-table-'));
    table.save(join(folder, 't.tex'));
    assert.equal(readFileSync(join(folder, 't.tex'), 'utf8'), table.latex);
    rmSync(folder, { recursive: true });
    assert.throws(() => table.save('t.svg'), { code: 'FIGURE_FORMAT' });
  });
});

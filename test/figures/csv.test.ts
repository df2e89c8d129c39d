import assert from 'node:assert/strict';
import { parseCsv } from '../../src/figures/csv.ts';

const refused = (text: string, message: RegExp) =>
  assert.throws(() => parseCsv(text, 'f.csv'), { code: 'FIGURE_INPUT', message });

describe('CSV', () => {
  it('reads numbers, NaN, empty cells and texts', () => {
    assert.deepEqual(parseCsv('op,range,value\n2,2–4,0.5\n3,"5, 6",NaN\n4,"say ""x""",\n', 'f.csv'), [
      { op: 2, range: '2–4', value: 0.5 },
      { op: 3, range: '5, 6', value: Number.NaN },
      { op: 4, range: 'say "x"', value: null },
    ]);
  });

  it('reads a byte-order mark, CRLF, blank lines, line breaks in quotes and no last newline', () => {
    assert.deepEqual(parseCsv('\ufeffa,b\r\n1,"x\ny"\r\n\r\n2,z', 'f.csv'), [
      { a: 1, b: 'x\ny' },
      { a: 2, b: 'z' },
    ]);
  });

  it('keeps a column with one text in it as texts', () => {
    assert.deepEqual(parseCsv('a\n1\nx\n', 'f.csv'), [{ a: '1' }, { a: 'x' }]);
  });

  it('refuses what is cut or broken, with its line', () => {
    refused('a,b\n1,2\n3\n', /line 3/);
    refused('a,b\n1,"2\n', /line 2/);
    refused('a,b\n1,2"3\n', /line 2/);
    refused('a,b\n', /rows in f\.csv/);
    refused('', /rows in f\.csv/);
  });
});

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { shorten, textWidth, wrapText } from '../../src/figures/text.ts';

describe('text metrics', () => {
  it("are Helvetica's: widths of Adobe's published metrics (Helvetica.afm), thousandths of an em", () => {
    // H 722, e 556, l 222, o 556, space 278; digits 556; W 944, i 222.
    assert.equal(textWidth('Hello', 1000), 722 + 556 + 222 + 222 + 556);
    assert.equal(textWidth('10 W', 1000), 556 + 556 + 278 + 944);
    assert.equal(textWidth('ii', 10), 4.44);
    // Helvetica-Bold.afm: H 722, i 278.
    assert.equal(textWidth('Hi', 1000, 'bold'), 722 + 278);
  });

  it('never takes a letter for nothing', () => {
    for (const letter of ['é', 'Ω', '数', '😀', '×', '…']) assert.ok(textWidth(letter, 10) > 2, letter);
  });

  it('wraps at spaces, keeps every word, and no line is too wide', () => {
    const word = fc.stringMatching(/^[a-zA-Z0-9<&]{1,9}$/);
    fc.assert(
      fc.property(
        fc.array(word, { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 110, max: 300 }),
        (words, width) => {
          // The widest word of nine letters, "WWWWWWWWW", has 85 px at 10 px: words are never cut here.
          const lines = wrapText(words.join(' '), width, 10);
          assert.equal(lines.join(' '), words.join(' '));
          for (const line of lines) assert.ok(textWidth(line, 10) <= width, line);
        },
      ),
    );
  });

  it('cuts a word that is wider than the line', () => {
    const lines = wrapText('abcdefghijklmnopqrstuvwxyz', 40, 10);
    assert.equal(lines.join(''), 'abcdefghijklmnopqrstuvwxyz');
    assert.ok(lines.length >= 3);
    for (const line of lines) assert.ok(textWidth(line, 10) <= 40, line);
  });

  it('breaks and shortens as letter by letter, whatever the text', () => {
    // The definition, too slow for long words: drop letters from the end until the rest fits.
    const naive = (word: string, width: number): string[] => {
      const letters = [...word];
      let cut = letters.length;
      while (cut > 1 && textWidth(letters.slice(0, cut).join(''), 10) > width) cut--;
      const rest = letters.slice(cut).join('');
      return [letters.slice(0, cut).join(''), ...(rest === '' ? [] : naive(rest, width))];
    };
    const naiveShort = (text: string, width: number): string => {
      const letters = [...text];
      while (letters.length > 0 && textWidth(`${letters.join('')}…`, 10) > width) letters.pop();
      return textWidth(text, 10) <= width ? text : `${letters.join('').trimEnd()}…`;
    };
    const text = fc.string({ unit: fc.constantFrom(...'iWm…数é😀1'), minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 120 }), (word, width) => {
        assert.deepEqual(wrapText(word, width, 10), naive(word, width));
        assert.equal(shorten(word, width, 10), naiveShort(word, width));
      }),
    );
  });

  it('takes names of any length', () => {
    const name = 'x'.repeat(300_000); // in cubic time this would take years
    assert.equal(wrapText(name, 200, 12).join(''), name);
    assert.equal(wrapText(name, 200, 12, 'normal', 3).length, 3);
  });

  it('ends in an ellipsis where lines run out', () => {
    const lines = wrapText('one two three four five six', 45, 10, 'normal', 2);
    assert.equal(lines.length, 2);
    assert.equal(lines[0], 'one two');
    assert.ok(lines[1]!.endsWith('…') && textWidth(lines[1]!, 10) <= 45, lines[1]);
    assert.equal(shorten('short', 100, 10), 'short');
  });
});

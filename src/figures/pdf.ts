/** What Chromium's PDFs lack: pages of exactly the asked size, and the same bytes again. */

const PAGE_BOX = /\/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]/;

/**
 * The one-page PDF with its page cut to `width`×`height` points (Chromium's pages are whole 300ths of an inch, rounded
 * up, with the drawing in the upper left corner) and without the time of its making. What is not of the expected form
 * is left as it is.
 */
export function finishPdf(pdf: Buffer, width: number, height: number): Buffer {
  // Latin-1 has a character for each byte, so places in the text are places in the file.
  const text = pdf.toString('latin1').replace(/(?<=\/(?:Creation|Mod)Date \()D:\d{14}/g, 'D:20000101000000');
  const box = PAGE_BOX.exec(text);
  const start = /startxref\s+(\d+)\s+%%EOF\s*$/.exec(text);
  if (box === null || start === null) return Buffer.from(text, 'latin1');
  const table = Number(start[1]);
  const points = (value: number) => String(Math.round(value * 1e4) / 1e4);
  const bottom = Math.max(0, Number(box[2]) - height);
  const exact = `/MediaBox [0 ${points(bottom)} ${points(Math.min(width, Number(box[1])))} ${box[2]}]`;
  const grown = exact.length - box[0].length;
  const moved = (place: number) => (place > box.index ? place + grown : place);
  const entries = text.slice(table, start.index).replace(/^(\d{10})(?= \d{5} n)/gm, (place) => {
    return String(moved(Number(place))).padStart(10, '0');
  });
  const body = text.slice(0, box.index) + exact + text.slice(box.index + box[0].length, table);
  return Buffer.from(`${body}${entries}startxref\n${moved(table)}\n%%EOF\n`, 'latin1');
}

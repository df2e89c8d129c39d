/** What a PDF says of itself, as far as Chromium's are read here: objects in plain text, one revision. */

export interface PdfFacts {
  /** Of each page, in millimetres. */
  pages: { width: number; height: number }[];
  /** Names of the fonts, and whether their outlines are in the file. */
  fonts: { name: string; embedded: boolean }[];
}

export function readPdf(bytes: Uint8Array): PdfFacts {
  const objects = new Map<string, string>();
  const text = Buffer.from(bytes).toString('latin1');
  for (const [, number, body] of text.matchAll(/(?:^|\n)(\d+) 0 obj\b([\s\S]*?)\bendobj/g)) {
    objects.set(number!, body!.replace(/stream\r?\n[\s\S]*/, ''));
  }
  // Readers find objects by the table, which must point at them.
  const table = Number(/startxref\s+(\d+)/.exec(text)![1]);
  const places = [...text.slice(table).matchAll(/^(\d{10}) \d{5} n/gm)].map(([, place]) => Number(place));
  for (const place of places) {
    if (!/^\d+ 0 obj\b/.test(text.slice(place, place + 20))) throw new Error(`no object at ${place}`);
  }
  if (!text.startsWith('xref', table) || places.length !== objects.size) throw new Error('no table');
  const all = [...objects.values()];
  const pages = all
    .filter((body) => /\/Type\s*\/Page\b/.test(body))
    .map((body) => {
      const box = /\/MediaBox\s*\[([^\]]+)\]/.exec(body)![1]!.trim().split(/\s+/).map(Number);
      const mm = (points: number) => (points / 72) * 25.4;
      return { width: mm(box[2]! - box[0]!), height: mm(box[3]! - box[1]!) };
    });
  const fonts = all
    .filter((body) => /\/Type\s*\/FontDescriptor\b/.test(body))
    .map((body) => {
      const file = /\/FontFile[23]?\s+(\d+) 0 R/.exec(body)?.[1];
      return {
        name: /\/FontName\s*\/(\S+)/.exec(body)![1]!,
        embedded: file !== undefined && objects.has(file),
      };
    });
  // Every font that is used has a descriptor; standard fonts, which need none, would not be embedded.
  const used = all.filter((body) => /\/Type\s*\/Font\b/.test(body) && !/\/Subtype\s*\/Type0/.test(body));
  for (const body of used) {
    if (/\/FontDescriptor\b/.test(body) || /\/Subtype\s*\/Type3/.test(body)) continue;
    fonts.push({ name: /\/BaseFont\s*\/(\S+)/.exec(body)?.[1] ?? '?', embedded: false });
  }
  return { pages, fonts };
}

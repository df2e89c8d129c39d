/** How densely the pixels of a PNG lie, which programs need to show and print it at its size. */
import { crc32 } from 'node:zlib';

/** Signature (8 bytes) and the IHDR chunk (25), which comes first in every PNG. */
const HEAD = 33;

/** The PNG with a `pHYs` chunk that says `dpi` pixels to the inch. */
export function withResolution(png: Buffer, dpi: number): Buffer {
  const perMetre = Math.round(dpi / 0.0254);
  const chunk = Buffer.alloc(21);
  chunk.writeUInt32BE(9, 0);
  chunk.write('pHYs', 4, 'latin1');
  chunk.writeUInt32BE(perMetre, 8);
  chunk.writeUInt32BE(perMetre, 12);
  chunk[16] = 1; // the unit is the metre
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 17)), 17);
  return Buffer.concat([png.subarray(0, HEAD), chunk, png.subarray(HEAD)]);
}

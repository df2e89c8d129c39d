/** docs/gallery.md and its drawn problems are what the present generator and drawing make. */
import assert from 'node:assert/strict';
import { makeGallery, readPage, readPictures, writeGallery } from '../../scripts/gallery.ts';

describe('gallery of problems', () => {
  it('is what scripts/gallery.ts makes', () => {
    if (process.env.UPDATE_SNAPSHOTS === '1') writeGallery();
    const committed = readPage();
    const { page, pictures } = makeGallery(committed);
    const remedy = 'if that is meant, UPDATE_SNAPSHOTS=1, and look at the pictures';
    assert.equal(committed, page, `docs/gallery.md differs; ${remedy}`);
    const found = readPictures();
    assert.deepEqual([...found.keys()], [...pictures.keys()].sort(), remedy);
    for (const [name, svg] of pictures) assert.equal(found.get(name), svg, `${name} differs; ${remedy}`);
  });

  it('shows every context, mode and op, and depth 3', () => {
    const { page, pictures } = makeGallery(readPage());
    assert.equal(pictures.size, 3 * 2 * (5 + 1));
    for (const name of pictures.keys()) assert.ok(page.includes(`(../figures/gallery/tasks/${name})`), name);
    assert.equal(page.match(/<details>/g)!.length, pictures.size);
    // Reverse problems: each names its unknown and its given value, forward ones neither.
    for (const [name, svg] of pictures) {
      const reverse = name.includes('-reverse-');
      assert.equal(svg.includes('class="node unknown asked"'), reverse, name);
      assert.equal(/class="node (total|derived) told"/.test(svg), reverse, name);
    }
  });
});

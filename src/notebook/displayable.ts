/** Values that a notebook shows rich when they are a cell's last expression or are passed to `display`. */
import { DISPLAY_METHOD, type MimeBundle } from './display.ts';

/** Something to show; its bundle is made when it is shown, each time anew. */
export class Displayable {
  readonly #bundle: () => MimeBundle;

  constructor(bundle: () => MimeBundle) {
    this.#bundle = bundle;
  }

  [DISPLAY_METHOD](): MimeBundle {
    return this.#bundle();
  }
}

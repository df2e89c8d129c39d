/** PDF and PNG of SVG documents through Chromium, which is used if installed and never needed for other formats. */
import { Chromium } from './chromium.ts';
import { finishPdf } from './pdf.ts';
import { withResolution } from './png.ts';

export type BrowserFormat = 'pdf' | 'png';

/** What to print: the SVG, and the size that it gets. */
export interface Print {
  svg: string;
  format: BrowserFormat;
  /** Size of the drawing in its own px (96 to the inch). */
  size: { width: number; height: number };
  /** Printed inches per inch of the drawing. */
  scale: number;
  /** Pixels to the printed inch, for a PNG. */
  dpi: number;
}

/** A browser that prints one picture after another. */
export class Printer {
  readonly #browser: Chromium;
  readonly #page: string;
  readonly #frame: string;

  /** @throws FIGURE_BROWSER */
  static async open(): Promise<Printer> {
    const browser = await Chromium.start();
    const { targetId } = await browser.send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await browser.send('Target.attachToTarget', { targetId, flatten: true });
    const page = sessionId as string;
    const { frameTree } = await browser.send('Page.getFrameTree', {}, page);
    return new Printer(browser, page, (frameTree as { frame: { id: string } }).frame.id);
  }

  private constructor(browser: Chromium, page: string, frame: string) {
    this.#browser = browser;
    this.#page = page;
    this.#frame = frame;
  }

  /** The picture as a PDF page of exactly its size with its fonts embedded, or as a PNG of that many pixels. */
  async print({ svg, format, size, scale, dpi }: Print): Promise<Uint8Array> {
    const [width, height] = [size.width * scale, size.height * scale];
    const html = `<!DOCTYPE html><style>@page{size:${width}px ${height}px;margin:0}html,body{margin:0;overflow:hidden}svg{display:block;width:${width}px;height:${height}px}</style>${svg}`;
    await this.#send('Page.setDocumentContent', { frameId: this.#frame, html });
    if (format === 'png') {
      await this.#send('Emulation.setDeviceMetricsOverride', {
        width: Math.ceil(width),
        height: Math.ceil(height),
        deviceScaleFactor: dpi / 96,
        mobile: false,
      });
      const clip = { x: 0, y: 0, width, height, scale: 1 };
      const { data } = await this.#send('Page.captureScreenshot', { format: 'png', clip });
      return withResolution(Buffer.from(data as string, 'base64'), dpi);
    }
    const { data } = await this.#send('Page.printToPDF', {
      printBackground: true,
      paperWidth: width / 96,
      paperHeight: height / 96,
      marginTop: 0,
      marginBottom: 0,
      marginLeft: 0,
      marginRight: 0,
      pageRanges: '1',
    });
    return finishPdf(Buffer.from(data as string, 'base64'), width * 0.75, height * 0.75);
  }

  #send(method: string, params: object): Promise<Record<string, unknown>> {
    return this.#browser.send(method, params, this.#page);
  }

  close(): Promise<void> {
    return this.#browser.close();
  }
}

/** Executes a notebook from top to bottom without a front end. */
import type { ProgressSink } from '../core/index.ts';
import type { KernelClient } from './client.ts';
import { DEFAULT_NAME, DISPLAY_NAME, LANGUAGE } from './kernelspec.ts';
import { launchKernel } from './launch.ts';
import {
  type Cell,
  injectParameters,
  modernize,
  type Notebook,
  type Output,
  OutputCollector,
  sourceOf,
  storedOutputs,
} from './nbformat.ts';
import type { Json, JsonObject, Message } from './protocol.ts';
import type { TypeCheckMode } from './type-check-mode.ts';

export interface HeadlessOptions {
  /** Working folder of the kernel: the folder of the notebook. */
  cwd: string;
  parameters?: ReadonlyMap<string, Json>;
  /** Seconds a single cell may take before it is stopped. */
  timeout?: number;
  /** Goes on after a failed cell. */
  allowErrors?: boolean;
  /** What a type error does, if not what the environment says. */
  typeCheck?: TypeCheckMode | undefined;
  progress?: ProgressSink;
  /** Stops the running cell as a press of Stop does, and runs no further one. */
  signal?: AbortSignal;
  /** Called with what cells write, as they write it. */
  onText?: (name: string, text: string) => void;
  /** Called now and then with what there is so far, while it grows: to be saved. */
  onSnapshot?: (notebook: Notebook) => void;
  /** Milliseconds between two snapshots, 30,000 unless told otherwise. */
  snapshotInterval?: number;
  /** Called with the text of a display whenever it is updated: the progress of a long cell. */
  onUpdate?: (text: string) => void;
}

export interface CellFailure {
  /** Number of the cell in the notebook, from 1, all kinds of cells counted. */
  cell: number;
  ename: string;
  evalue: string;
}

export interface HeadlessResult {
  /** The executed notebook, complete up to the first failure. */
  notebook: Notebook;
  failures: CellFailure[];
  /** Code cells that ran. */
  executed: number;
  seconds: number;
}

/** Runs a copy of `source`; a failing cell or a dying kernel ends up in `failures`, not in an exception. */
export async function executeNotebook(source: Notebook, options: HeadlessOptions): Promise<HeadlessResult> {
  const startedAt = performance.now();
  const notebook = structuredClone(source);
  injectParameters(notebook, options.parameters ?? new Map());
  for (const cell of notebook.cells) {
    if (cell.cell_type === 'code') Object.assign(cell, { outputs: [], execution_count: null });
  }
  const kernel = await launchKernel({ cwd: options.cwd, typeCheck: options.typeCheck });
  try {
    const kernelspec = { name: DEFAULT_NAME, display_name: DISPLAY_NAME, language: LANGUAGE };
    modernize(notebook, kernelspec, kernel.info.language_info as JsonObject);
    const run = new NotebookRun(notebook, kernel.client, options);
    await run.all();
    return {
      notebook,
      failures: run.failures,
      executed: run.executed,
      seconds: (performance.now() - startedAt) / 1000,
    };
  } finally {
    await kernel.close();
  }
}

class NotebookRun {
  readonly failures: CellFailure[] = [];
  executed = 0;
  readonly #notebook: Notebook;
  readonly #client: KernelClient;
  readonly #options: HeadlessOptions;
  readonly #collector = new OutputCollector();
  /** Outputs by request, for what comes after the cell is over. */
  readonly #outputs = new Map<string, Output[]>();
  #hasGrown = false;

  constructor(notebook: Notebook, client: KernelClient, options: HeadlessOptions) {
    this.#notebook = notebook;
    this.#client = client;
    this.#options = options;
  }

  async all(): Promise<void> {
    this.#client.onOther = (message) => this.#collect(message);
    const { signal, snapshotInterval = 30_000 } = this.#options;
    const snapshots = setInterval(() => this.#snapshot(), snapshotInterval);
    try {
      await this.#cells(signal);
    } finally {
      clearInterval(snapshots);
    }
    // One more request, so that output under way when the last cell ended is in.
    await this.#client.request('shell', 'kernel_info_request', {}).catch(() => {});
    this.#notebook.cells = this.#storedCells();
  }

  async #cells(signal: AbortSignal | undefined): Promise<void> {
    signal?.addEventListener('abort', () => void this.#client.interrupt().catch(() => {}));
    const cells = this.#notebook.cells.map((cell, at) => ({ cell, number: at + 1 }));
    const toRun = cells.filter(({ cell }) => cell.cell_type === 'code' && sourceOf(cell).trim() !== '');
    for (const [done, { number }] of toRun.entries()) {
      if (signal?.aborted) break;
      this.#options.progress?.({ stage: 'run', done, total: toRun.length, unit: 'cell' });
      await this.#one(number);
      if (this.failures.length > 0 && this.#options.allowErrors !== true) break;
    }
    this.#options.progress?.({ stage: 'run', done: this.executed, total: toRun.length, unit: 'cell' });
  }

  #snapshot(): void {
    if (!this.#hasGrown) return;
    this.#hasGrown = false;
    this.#options.onSnapshot?.({ ...this.#notebook, cells: this.#storedCells() });
  }

  #storedCells(): Cell[] {
    return this.#notebook.cells.map((cell) =>
      cell.outputs === undefined ? cell : { ...cell, outputs: storedOutputs(cell.outputs) },
    );
  }

  async #one(number: number): Promise<void> {
    const cell = this.#notebook.cells[number - 1]!;
    const outputs: Output[] = [];
    cell.outputs = outputs;
    const { timeout } = this.#options;
    let isLate = false;
    const timer =
      timeout === undefined
        ? undefined
        : setTimeout(() => {
            isLate = true;
            void this.#client.interrupt();
          }, timeout * 1000);
    try {
      const { reply } = await this.#client.execute(sourceOf(cell), {
        onMessage: (message) => {
          this.#outputs.set(String(message.parent.msg_id), outputs);
          if (message.header.msg_type === 'execute_input') {
            cell.execution_count = Number(message.content.execution_count);
          }
          this.#collect(message);
        },
      });
      this.executed++;
      if (reply.status === 'ok') return;
      const ename = isLate ? 'Timeout' : String(reply.ename);
      const evalue = isLate ? `the cell took longer than ${timeout} s` : String(reply.evalue);
      this.failures.push({ cell: number, ename, evalue });
    } catch (error) {
      // Only a dead kernel gets here; what the cell has written so far is kept.
      const evalue = (error as Error).message;
      outputs.push({
        output_type: 'error',
        ename: 'DeadKernel',
        evalue,
        traceback: [`DeadKernel: ${evalue}`],
      });
      this.failures.push({ cell: number, ename: 'DeadKernel', evalue });
    } finally {
      clearTimeout(timer);
    }
  }

  #collect(message: Message): void {
    const outputs = this.#outputs.get(String(message.parent.msg_id));
    if (outputs === undefined) return;
    this.#collector.add(outputs, message);
    const { header, content } = message;
    if (header.msg_type !== 'status') this.#hasGrown = true;
    if (header.msg_type === 'stream') this.#options.onText?.(String(content.name), String(content.text));
    if (header.msg_type === 'update_display_data') {
      const text = (content.data as JsonObject)['text/plain'];
      if (typeof text === 'string') this.#options.onUpdate?.(text);
    }
  }
}

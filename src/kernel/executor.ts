/**
 * Runs cells on the main thread. It must survive that a cell is cut off at any instruction
 * (`Runtime.terminateExecution` unwinds without `finally`): a cell runs in a callback of its own, nothing
 * of the kernel waits in its stack frames, and the cell is over when somebody says so, not when it returns.
 */
import { runCancellable } from '../core/index.ts';
import { type MimeBundle, toBundle } from '../notebook/display.ts';
import { clearCutAsyncStack, tolerateCutAsyncStacks } from './async-stack.ts';
import { CellCompiler } from './cell/compiler.ts';
import { CellExecution, runInExecution } from './cell/runtime.ts';
import { describeError, Interrupted } from './cell/traceback.ts';
import { type ExecuteJob, type ExecuteReply, type FromMain, SHARED } from './channel.ts';
import type { JsonObject } from './protocol.ts';
import { stoppableSignal } from './stop.ts';
import { TfjsEngine } from './tfjs-engine.ts';

export class Executor {
  readonly #send: (message: FromMain) => void;
  readonly #shared: Int32Array;
  readonly #compiler: CellCompiler;
  readonly #tfjs = new TfjsEngine();
  #running: { execution: CellExecution; finish: (reply: ExecuteReply) => void } | undefined;
  #latest = 0;

  constructor(folder: string, shared: Int32Array, send: (message: FromMain) => void) {
    this.#send = send;
    this.#shared = shared;
    this.#compiler = new CellCompiler(folder);
  }

  /** Serial number of the cell that started last; it owns output nobody else does. */
  get latestCell(): number {
    return this.#latest;
  }

  /** Starts a cell; its end is announced by a `done` message. */
  execute(job: ExecuteJob): void {
    const execution = new CellExecution(job.cell, job.count, job.allowStdin);
    let isOver = false;
    const finish = (reply: ExecuteReply) => {
      if (isOver) return;
      isOver = true;
      this.#running = undefined;
      if (reply.status === 'error') this.#publishError(job.cell, reply);
      // What is open now belongs to the user, and outlives a stop of what the cell has left behind.
      else this.#tfjs.record();
      this.#send({ kind: 'done', cell: job.cell, reply });
    };
    this.#running = { execution, finish };
    this.#latest = job.cell;
    Atomics.store(this.#shared, SHARED.GRACE, 0);
    Atomics.store(this.#shared, SHARED.POLLED, 0);
    Atomics.store(this.#shared, SHARED.CUT, 0);
    this.#tfjs.record();
    tolerateCutAsyncStacks();
    const signal = stoppableSignal(job.cell, execution.abort, this.#shared);
    setImmediate(() =>
      runInExecution(execution, () =>
        runCancellable(signal, () => {
          this.#run(job).then(
            (reply) =>
              finish(signal.aborted ? stopped('the cell was stopped and has returned what it had') : reply),
            (error) =>
              finish(failed(signal.aborted && !(error instanceof Interrupted) ? stopReason(error) : error)),
          );
        }),
      ),
    );
  }

  /** Asks the running cell to stop by itself. */
  stop(cell: number): void {
    if (this.#running?.execution.serial === cell) this.#running.execution.abort.abort();
  }

  /** Ends the running cell, whatever it does, then calls `ended` (may be called again if it does not). */
  end(cell: number, ended: () => void): void {
    if (Atomics.load(this.#shared, SHARED.CUT) === 1) {
      // Before the awaits of the cell are rejected: its clean-up must find a working tfjs.
      clearCutAsyncStack();
      this.#tfjs.repair();
    }
    const running = this.#running;
    if (running?.execution.serial !== cell) {
      ended();
      return;
    }
    running.execution.end();
    // The rejected awaits first: a cell that catches them and cleans up still gets its say. A cell that
    // catches them for ever keeps us from getting here, and is cut off by the wire thread.
    setImmediate(() =>
      setImmediate(() => {
        running.finish(stopped());
        ended();
      }),
    );
  }

  async #run(job: ExecuteJob): Promise<ExecuteReply> {
    // Only a counted cell may have the name under which the front end shows it.
    const name = job.silent ? `silent-${job.cell}.ts` : `cell-${job.count}.ts`;
    const value = await this.#compiler.compile(job.code, name)();
    if (value !== undefined && !job.silent) {
      const data = await toBundle(value);
      this.#send({
        kind: 'publish',
        cell: job.cell,
        type: 'execute_result',
        content: { execution_count: job.count, data: toJson(data), metadata: {} },
      });
    }
    return { status: 'ok', user_expressions: await this.#evaluate(job), payload: [] };
  }

  async #evaluate(job: ExecuteJob): Promise<JsonObject> {
    const results: JsonObject = {};
    for (const [name, expression] of Object.entries(job.userExpressions)) {
      try {
        const data = await toBundle(await this.#compiler.compile(expression, `expression-${job.cell}.ts`)());
        results[name] = { status: 'ok', data: toJson(data), metadata: {} };
      } catch (error) {
        results[name] = { status: 'error', ...describeError(error) };
      }
    }
    return results;
  }

  #publishError(cell: number, { ename, evalue, traceback }: ExecuteReply & { status: 'error' }): void {
    this.#send({ kind: 'publish', cell, type: 'error', content: { ename, evalue, traceback } });
  }
}

/** A bundle as JSON can carry it: bytes in base64, texts as they are, anything else must be JSON already. */
export function toJson(bundle: MimeBundle): JsonObject {
  const entries = Object.entries(bundle).map(([type, content]) => [
    type,
    content instanceof Uint8Array ? Buffer.from(content).toString('base64') : content,
  ]);
  return JSON.parse(JSON.stringify(Object.fromEntries(entries)));
}

function failed(error: unknown): ExecuteReply {
  return { status: 'error', ...describeError(error) };
}

function stopped(message?: string): ExecuteReply {
  return failed(new Interrupted(message));
}

/** An error that a stopped cell ended with is told, but as the consequence of the stop. */
function stopReason(error: unknown): Interrupted {
  const { ename, evalue } = describeError(error);
  return new Interrupted(`the cell was stopped and ended with ${ename}: ${evalue}`);
}

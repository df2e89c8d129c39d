/**
 * Runs cells on the main thread. It must survive that a cell is cut off at any instruction
 * (`Runtime.terminateExecution` unwinds without `finally`): a cell runs in a callback of its own, nothing
 * of the kernel waits in its stack frames, and the cell is over when somebody says so, not when it returns.
 */
import process from 'node:process';
import { inspect } from 'node:util';
import { isAnyArrayBuffer } from 'node:util/types';
import { runCancellable } from '../core/index.ts';
import { type MimeBundle, toBundle } from '../notebook/display.ts';
import { clearCutAsyncStack, tolerateCutAsyncStacks } from './async-stack.ts';
import { CellCompiler } from './cell/compiler.ts';
import { CellExecution, type LoadModule, runInExecution } from './cell/runtime.ts';
import { describeError, Interrupted } from './cell/traceback.ts';
import { CellTypeError } from './cell/type-error.ts';
import { type ExecuteJob, type ExecuteReply, type FromMain, SHARED } from './channel.ts';
import { HELPERS, loadHelper } from './helpers.ts';
import type { JsonObject } from './protocol.ts';
import { ModuleReloader } from './reload.ts';
import { stoppableSignal } from './stop.ts';
import { TfjsEngine } from './tfjs-engine.ts';
import type { TypeCheck } from './type-check.ts';

export class Executor {
  readonly #send: (message: FromMain) => void;
  readonly #shared: Int32Array;
  readonly #compiler: CellCompiler;
  readonly #check: TypeCheck;
  readonly #tfjs = new TfjsEngine();
  #running: { execution: CellExecution; finish: (reply: ExecuteReply) => void } | undefined;
  #latest = 0;

  constructor(folder: string, shared: Int32Array, check: TypeCheck, send: (message: FromMain) => void) {
    this.#send = send;
    this.#check = check;
    this.#shared = shared;
    const modules = new ModuleReloader();
    const load: LoadModule = (importModule) => modules.load(importModule);
    this.#compiler = new CellCompiler(folder, {
      helpers: new Set(Object.keys(HELPERS)),
      loadHelper: (name) => load(() => loadHelper(name)),
      load,
      require: (load) => modules.require(load),
    });
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
    const end = (reply: ExecuteReply) =>
      afterLateErrors().then(() =>
        finish(
          signal.aborted && reply.status === 'ok'
            ? stopped('the cell was stopped and has returned what it had')
            : reply,
        ),
      );
    const start = (compiled: () => Promise<unknown>) => {
      if (execution.ended) return;
      runCancellable(signal, () => {
        this.#run(job, compiled).then(end, (error) =>
          end(failed(signal.aborted && !(error instanceof Interrupted) ? stopReason(error) : error)),
        );
      });
    };
    setImmediate(() =>
      runInExecution(execution, () => {
        this.#prepare(job, execution).then(
          // In a callback of its own again: the check was answered inside one of the kernel.
          (compiled) => setImmediate(start, compiled),
          (error) => finish(failed(error)),
        );
      }),
    );
  }

  /** Compiles a cell and checks its types; throws what keeps it from running. */
  async #prepare(job: ExecuteJob, execution: CellExecution): Promise<() => Promise<unknown>> {
    const { cell, code, silent } = job;
    const name = nameOf(job);
    const compiled = this.#compiler.compile(code, name);
    if (silent) return compiled;
    if (this.#check.applies(code)) {
      const errors = await this.#check.errors(cell, code, execution.abort.signal);
      if (errors === undefined) process.stderr.write('the types of this cell could not be checked in time\n');
      else if (errors.length > 0) {
        const refusal = new CellTypeError(errors, name, code);
        if (this.#check.mode === 'error') throw refusal;
        process.stderr.write(`${refusal.report.join('\n')}\n`);
      }
    }
    this.#send({ kind: 'started', cell, code });
    return compiled;
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

  async #run(job: ExecuteJob, compiled: () => Promise<unknown>): Promise<ExecuteReply> {
    const value = await compiled();
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

/**
 * A bundle as JSON can carry it: bytes in base64, texts as they are, of JSON types whatever JSON can carry.
 * @throws TypeError for anything else, which front ends could neither show nor save
 */
export function toJson(bundle: MimeBundle): JsonObject {
  const entries = Object.entries(bundle).map(([type, content]) => [type, storable(type, content)]);
  return JSON.parse(JSON.stringify(Object.fromEntries(entries)));
}

function storable(type: string, content: unknown): unknown {
  if (content === undefined) return undefined;
  if (isAnyArrayBuffer(content)) return Buffer.from(content).toString('base64');
  if (ArrayBuffer.isView(content)) {
    return Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('base64');
  }
  const isText = typeof content === 'string' || isLines(content);
  if (isText || /[/+]json$/.test(type)) return content;
  throw new TypeError(
    `the ${type} of a display must be a text or bytes, got ${inspect(content, { depth: 0 })}`,
  );
}

function isLines(content: unknown): boolean {
  return Array.isArray(content) && content.every((line) => typeof line === 'string');
}

/** Only a counted cell may have the name under which the front end shows it. */
function nameOf({ silent, cell, count }: ExecuteJob): string {
  return silent ? `silent-${cell}.ts` : `cell-${count}.ts`;
}

/**
 * Resolves once a rejection that the last statement has caused is told, and a timer that was due has run:
 * after the cell's `idle`, a front end that runs one cell after the other listens no more.
 */
async function afterLateErrors(): Promise<void> {
  if (process.getActiveResourcesInfo().includes('Timeout')) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await new Promise((resolve) => setImmediate(resolve));
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

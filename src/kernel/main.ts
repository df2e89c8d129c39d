/**
 * Entry of the kernel process: `node <flags of kernelspec.ts> main.ts CONNECTION_FILE`. The main thread runs
 * user code and nothing else; a worker thread talks to the front end.
 */
import process from 'node:process';
import { MessageChannel, Worker } from 'node:worker_threads';
import { userError } from '../core/index.ts';
import * as displayApi from '../notebook/display.ts';
import { connectApi, kernel } from './api.ts';
import { tolerateCutAsyncStacks } from './async-stack.ts';
import { captureStreams } from './capture.ts';
import { captureChildren } from './capture-children.ts';
import { captureDescriptors } from './capture-descriptors.ts';
import { hideAsyncBookkeeping } from './cell/inspection.ts';
import { currentExecution, enableExecutions } from './cell/runtime.ts';
import { installStackMapper } from './cell/stack.ts';
import { describeError, Interrupted } from './cell/traceback.ts';
import { type FromMain, SHARED, type ToMain, type WireData } from './channel.ts';
import { NotebookHost } from './displays.ts';
import { Executor } from './executor.ts';
import { IdleCollection } from './idle-collection.mjs';
import { TypeCheck } from './type-check.ts';
import { TYPE_CHECK_VARIABLE, type TypeCheckMode, typeCheckMode } from './type-check-mode.ts';

/** The main thread waits when this much stream text (UTF-16 units) is on its way to the wire thread. */
const MOST_UNDERWAY = 32 * 1024 * 1024;

/** Bytes of user data beyond which the main thread is not kept busy by a collection between cells. */
const MOST_COLLECTED = 200e6;

const { connectionFile, mode } = readParameters(process.argv.slice(2));

// Meant for this process (see kernelspec.ts), not for what cells start.
delete process.env.MALLOC_ARENA_MAX;
installStackMapper();
hideAsyncBookkeeping();
enableExecutions();
tolerateCutAsyncStacks();
const shared = new SharedArrayBuffer(SHARED.SLOTS * 4);
const slots = new Int32Array(shared);
const { port1: port, port2: wirePort } = new MessageChannel();
const folder = process.cwd();
const collection = new IdleCollection(MOST_COLLECTED);
const send = (message: FromMain): void => {
  port.postMessage(message);
  if (message.kind === 'done') collection.postpone();
};
const exit = process.exit.bind(process);
const complain = process.stderr.write.bind(process.stderr);

const wireData: WireData & { entry: string; port: typeof wirePort } = {
  connectionFile,
  shared,
  folder,
  entry: new URL('./wire.ts', import.meta.url).href,
  port: wirePort,
};
const wire = new Worker(new URL('./worker-boot.mjs', import.meta.url), {
  workerData: wireData,
  transferList: [wirePort],
  // The loader in our own flags is for the main thread; worker-boot.mjs brings its own.
  execArgv: ['--no-force-async-hooks-checks', '--disable-warning=ExperimentalWarning'],
});
wire.on('error', (error) => {
  complain(`interplay kernel: the wire thread failed: ${error.stack ?? error.message}\n`);
  exit(1);
});
wire.on('exit', (code) => exit(code));

const restore = captureStreams((name, text) => {
  const cell = currentExecution()?.serial ?? executor.latestCell;
  Atomics.add(slots, SHARED.UNDERWAY, text.length);
  send({ kind: 'stream', cell, name, text });
  for (;;) {
    const underway = Atomics.load(slots, SHARED.UNDERWAY);
    if (underway <= MOST_UNDERWAY) break;
    Atomics.wait(slots, SHARED.UNDERWAY, underway, 50);
  }
});
captureDescriptors();
captureChildren();

const host = new NotebookHost(send, () => currentExecution()?.serial ?? executor.latestCell);
displayApi.setDisplayHost(host);
const { display, displayHtml, newDisplay, clearOutput, input } = displayApi;
const check = new TypeCheck(mode, send);
connectApi({ check, comms: host.comms });
const executor = new Executor(folder, slots, check, send);
// Visible in every cell, and after the executor took its list of built-ins, so that a cell may import them.
for (const [name, value] of Object.entries({
  display,
  displayHtml,
  newDisplay,
  clearOutput,
  input,
  kernel,
})) {
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
}

port.on('message', (message: ToMain) => {
  if (message.kind === 'execute') {
    collection.cancel();
    executor.execute(message);
  } else if (message.kind === 'stop') executor.stop(message.cell);
  else if (message.kind === 'end') {
    const { cell, ticket } = message;
    executor.end(cell, () => send({ kind: 'ended', ticket }));
  } else if (message.kind === 'checked') check.answer(message.cell, message.diagnostics);
  else if (message.kind === 'input-reply') host.answer(message.id, message.value);
  else if (message.kind === 'comm') host.comms.receive(message);
  else if (message.kind === 'shutdown') {
    restore();
    exit(0);
  }
});

/** An error nobody awaited belongs to the cell that started the work, and must not end the process. */
const report = (kind: string) => (error: unknown) => {
  if (error instanceof Interrupted) return;
  process.stderr.write(`${kind}: ${describeError(error).traceback.join('\n')}\n`);
};
process.on('uncaughtException', report('Uncaught in the background'));
process.on('unhandledRejection', report('Unhandled rejection'));
process.exit = (code) => {
  throw new Error(`process.exit(${code ?? ''}) would end the kernel and all its variables; use Restart`);
};
// Jupyter front ends interrupt by message; a Ctrl-C in the terminal that runs them must not kill the kernel.
process.on('SIGINT', () => {});

send({ kind: 'ready' });
// Its start takes longer than typing the first cell should have to wait for.
if (mode !== 'off') send({ kind: 'warm' });

/** `[--type-check=MODE] CONNECTION_FILE`; ends the process when they are none. */
function readParameters(parameters: readonly string[]): { connectionFile: string; mode: TypeCheckMode } {
  try {
    const given = parameters.find((parameter) => parameter.startsWith('--type-check='));
    const text = given?.slice('--type-check='.length) ?? (process.env[TYPE_CHECK_VARIABLE] || 'error');
    const [connectionFile] = parameters.filter((parameter) => !parameter.startsWith('--'));
    if (connectionFile === undefined) {
      throw userError('KERNEL_USAGE', 'a connection file', 'nothing', 'pass its path');
    }
    return { connectionFile, mode: typeCheckMode(text) };
  } catch (error) {
    process.stderr.write(`interplay: ${describeError(error).traceback[0]}\n`);
    process.exit(2);
  }
}

/**
 * The wire thread: all sockets of the kernel. It receives requests, keeps the queue of cells, joins output,
 * answers what needs no user code, and can do all of that while the main thread computes.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type MessagePort, workerData } from 'node:worker_threads';
import { Publisher, Reply, Router } from 'zeromq';
import type { CommMessage, ExecuteReply, FromMain, ToMain, WireData } from './channel.ts';
import { SHARED } from './channel.ts';
import { address, readConnection } from './connection.ts';
import type { CellDiagnostic } from './diagnostics.ts';
import { History } from './history.ts';
import { Interrupter } from './interrupt.ts';
import type { LanguageQuestion } from './language.ts';
import { LanguageThread } from './language-thread.ts';
import {
  decode,
  encode,
  type Header,
  type JsonObject,
  type Message,
  makeHeader,
  PROTOCOL_VERSION,
  Signer,
} from './protocol.ts';
import { Sender } from './sender.ts';
import { StreamJoiner } from './streams.ts';

const data = workerData as WireData & { port: MessagePort };
const main = data.port;
const shared = new Int32Array(data.shared);
const connection = readConnection(data.connectionFile);
const signer = new Signer(connection.key, connection.signature_scheme);
const session = randomUUID();
const packageFile = new URL('../../package.json', import.meta.url);
const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string };

const shell = new Router({ sendHighWaterMark: 0, receiveHighWaterMark: 0, linger: 1000 });
const control = new Router({ sendHighWaterMark: 0, receiveHighWaterMark: 0, linger: 1000 });
const stdin = new Router({ sendHighWaterMark: 0, receiveHighWaterMark: 0, linger: 1000 });
// Without a limit: the default drops everything beyond 1,000 messages, the idle status included.
const iopub = new Publisher({ sendHighWaterMark: 0, linger: 1000 });
const heartbeat = new Reply({ linger: 0 });
const senders = {
  shell: new Sender(shell),
  control: new Sender(control),
  stdin: new Sender(stdin),
  iopub: new Sender(iopub),
};

interface Request {
  message: Message;
  channel: 'shell' | 'control';
}
interface Cell extends Request {
  serial: number;
  count: number;
  silent: boolean;
  stopOnError: boolean;
}

const noHeader: Record<string, never> = {};
let executionCount = 0;
let lastSerial = 0;
let running: Cell | undefined;
let isReady = false;
const queue: Request[] = [];
/** Header of the request behind each serial number, for output that comes at any later time. */
const parents = new Map<number, Header>();
const identities = new Map<number, Buffer[]>();
const commRequests = new Map<number, Request>();
/** Open comms and the target each was opened under. */
const comms = new Map<string, string>();
const questions = new Map<string, number>();
const history = new History();
const language = new LanguageThread(data.folder);
const streams = new StreamJoiner((cell, name, text) => {
  publishNow('stream', { name, text }, parents.get(cell) ?? noHeader);
});
const toMain = (message: ToMain): void => main.postMessage(message);
const interrupter = new Interrupter(shared, toMain, () => running?.serial);

function publishNow(
  type: string,
  content: JsonObject,
  parent: Header | Record<string, never>,
  metadata: JsonObject = {},
  buffers: Uint8Array[] = [],
): void {
  const header = makeHeader(type, session);
  const topic = [Buffer.from(`kernel.${session}.${type}`)];
  senders.iopub.send(encode({ identities: topic, header, parent, metadata, content, buffers }, signer));
}

/** Publishes after whatever output waits. */
function publish(...parameters: Parameters<typeof publishNow>): void {
  streams.flush();
  publishNow(...parameters);
}

function status(state: 'busy' | 'idle' | 'starting', parent: Header | Record<string, never>): void {
  publish('status', { execution_state: state }, parent);
}

function reply({ message, channel }: Request, content: JsonObject): void {
  const type = message.header.msg_type.replace(/_request$/, '_reply');
  const header = makeHeader(type, session);
  const parts = { identities: message.identities, header, parent: message.header };
  senders[channel].send(encode({ ...parts, metadata: {}, content, buffers: [] }, signer));
}

/** Answers a request that needs no user code, also while a cell runs. */
async function answer(request: Request, content: () => JsonObject | Promise<JsonObject>): Promise<void> {
  const { header } = request.message;
  status('busy', header);
  reply(request, await content());
  status('idle', header);
  // Front ends show the latest status, and the kernel is not idle at all.
  if (running !== undefined && running.message !== request.message) status('busy', running.message.header);
}

function kernelInfo(): JsonObject {
  return {
    status: 'ok',
    protocol_version: PROTOCOL_VERSION,
    implementation: 'interplay',
    implementation_version: version,
    language_info: {
      name: 'typescript',
      version: '5.9.3',
      mimetype: 'text/x-typescript',
      file_extension: '.ts',
      pygments_lexer: 'typescript',
      codemirror_mode: { name: 'javascript', typescript: true },
      nbconvert_exporter: 'script',
    },
    banner: `Interplay ${version}: TypeScript 5.9.3 on Node ${process.versions.node}`,
    help_links: [
      { text: 'TypeScript', url: 'https://www.typescriptlang.org/docs/' },
      { text: 'Node.js', url: 'https://nodejs.org/docs/latest-v20.x/api/' },
    ],
    debugger: false,
  };
}

// ---- cells -------------------------------------------------------------------------------------------

function startNext(): void {
  if (!isReady || running !== undefined) return;
  const request = queue.shift();
  if (request === undefined) return;
  const { message } = request;
  const content = message.content;
  const code = String(content.code ?? '');
  const silent = content.silent === true;
  const stored = !silent && content.store_history !== false;
  if (stored || executionCount === 0) executionCount++;
  running = {
    ...request,
    serial: ++lastSerial,
    count: executionCount,
    silent,
    stopOnError: content.stop_on_error !== false,
  };
  parents.set(running.serial, message.header);
  identities.set(running.serial, message.identities);
  status('busy', message.header);
  if (!silent) publish('execute_input', { code, execution_count: executionCount }, message.header);
  if (stored) history.add(executionCount, code);
  toMain({
    kind: 'execute',
    cell: running.serial,
    count: executionCount,
    code,
    silent,
    allowStdin: content.allow_stdin === true,
    userExpressions: (content.user_expressions ?? {}) as Record<string, string>,
  });
}

function finish(serial: number, result: ExecuteReply): void {
  if (running?.serial !== serial) return;
  const cell = running;
  streams.flush();
  const about = { execution_count: cell.count };
  reply(cell, { ...result, ...about });
  if (result.status === 'error') {
    if (cell.stopOnError) abortQueue();
  }
  status('idle', cell.message.header);
  running = undefined;
  startNext();
}

/** What waits behind a failed cell was sent by somebody who did not know that it would fail. */
function abortQueue(): void {
  for (const request of queue.splice(0)) {
    const { header } = request.message;
    status('busy', header);
    reply(request, { status: 'aborted', execution_count: executionCount });
    status('idle', header);
  }
}

// ---- requests ----------------------------------------------------------------------------------------

async function handle(request: Request): Promise<void> {
  const { message } = request;
  const { content, header } = message;
  switch (header.msg_type) {
    case 'execute_request':
      queue.push(request);
      return startNext();
    case 'kernel_info_request':
      return answer(request, kernelInfo);
    case 'history_request':
      return answer(request, () => history.reply(content));
    case 'comm_info_request':
      return answer(request, () => commInfo(content.target_name));
    case 'complete_request':
    case 'inspect_request':
    case 'is_complete_request':
      return answer(request, () => language.ask(header.msg_type as LanguageQuestion, content));
    case 'interrupt_request':
      // Answered at once; the cell's own reply tells when it has stopped.
      void interrupter.interrupt();
      return answer(request, () => ({ status: 'ok' }));
    case 'shutdown_request':
      return shutdown(request);
    case 'comm_open':
    case 'comm_msg':
    case 'comm_close':
      return comm(request, header.msg_type);
    default:
      // Unknown requests get the reply that says so; what is no request gets none.
      if (header.msg_type.endsWith('_request')) {
        const evalue = `this kernel knows no ${header.msg_type}`;
        await answer(request, () => ({ status: 'error', ename: 'NotSupported', evalue, traceback: [] }));
      }
  }
}

function commInfo(target: unknown): JsonObject {
  const open = [...comms].filter(([, name]) => target === undefined || target === null || name === target);
  return { status: 'ok', comms: Object.fromEntries(open.map(([id, name]) => [id, { target_name: name }])) };
}

function comm(request: Request, type: CommMessage['type']): void {
  const { header, content, metadata, buffers } = request.message;
  const serial = ++lastSerial;
  parents.set(serial, header);
  commRequests.set(serial, request);
  noteComm(type, content);
  status('busy', header);
  toMain({ kind: 'comm', cell: serial, type, content, metadata, buffers });
}

function noteComm(type: string, content: JsonObject): void {
  const id = String(content.comm_id);
  if (type === 'comm_open') comms.set(id, String(content.target_name));
  else if (type === 'comm_close') comms.delete(id);
}

async function shutdown(request: Request): Promise<void> {
  const { header, content } = request.message;
  status('busy', header);
  const answered = { status: 'ok', restart: content.restart === true };
  reply(request, answered);
  publish('shutdown_reply', answered, header);
  status('idle', header);
  await Promise.all(Object.values(senders).map((sender) => sender.drained()));
  for (const socket of [shell, control, stdin, iopub, heartbeat]) socket.close();
  await interrupter.settled(300);
  toMain({ kind: 'shutdown' });
  // A main thread that computes does not read this.
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), 700);
}

// ---- the main thread ---------------------------------------------------------------------------------

main.on('message', (message: FromMain) => {
  switch (message.kind) {
    case 'ready':
      isReady = true;
      startNext();
      break;
    case 'warm':
      void language.ask('check', { code: '' });
      break;
    case 'check': {
      const { cell, code } = message;
      void language.ask('check', { code }).then(({ diagnostics }) => {
        toMain({
          kind: 'checked',
          cell,
          diagnostics: diagnostics as unknown as CellDiagnostic[] | undefined,
        });
      });
      break;
    }
    case 'started':
      language.note(message.cell, message.code);
      break;
    case 'stream':
      Atomics.sub(shared, SHARED.UNDERWAY, message.text.length);
      Atomics.notify(shared, SHARED.UNDERWAY);
      streams.add(message.cell, message.name, message.text);
      break;
    case 'publish':
      if (message.type.startsWith('comm_')) noteComm(message.type, message.content);
      if (message.type === 'execute_result') noteResult(message.content);
      publish(
        message.type,
        message.content,
        parents.get(message.cell) ?? noHeader,
        message.metadata,
        message.buffers,
      );
      break;
    case 'done':
      finish(message.cell, message.reply);
      break;
    case 'comm-done': {
      const request = commRequests.get(message.cell);
      commRequests.delete(message.cell);
      if (request !== undefined) status('idle', request.message.header);
      if (running !== undefined) status('busy', running.message.header);
      break;
    }
    case 'ended':
      interrupter.answer(message.ticket);
      break;
    case 'input':
      ask(message);
      break;
  }
});

function noteResult(content: JsonObject): void {
  const text = (content.data as JsonObject | undefined)?.['text/plain'];
  history.setResult(Number(content.execution_count), typeof text === 'string' ? text : '');
}

function ask({ cell, id, prompt, password }: FromMain & { kind: 'input' }): void {
  streams.flush();
  const header = makeHeader('input_request', session);
  const parent = parents.get(cell) ?? noHeader;
  questions.set(header.msg_id, id);
  const content = { prompt, password };
  const to = identities.get(cell) ?? [];
  senders.stdin.send(encode({ identities: to, header, parent, metadata: {}, content, buffers: [] }, signer));
}

/** Front ends differ in whether the reply names the question; then the oldest open one is meant. */
function answerQuestion({ parent, content }: Message): void {
  const known = questions.has(String(parent.msg_id)) ? String(parent.msg_id) : questions.keys().next().value;
  if (known === undefined) return;
  const id = questions.get(known)!;
  questions.delete(known);
  toMain({ kind: 'input-reply', id, value: String(content.value ?? '') });
}

// ---- sockets -----------------------------------------------------------------------------------------

async function receive(socket: AsyncIterable<Buffer[]>, use: (message: Message) => void | Promise<void>) {
  for await (const frames of socket) {
    const message = decode(frames, signer);
    // A forged or broken message gets no answer, so that its sender learns nothing.
    if (!('refused' in message)) void use(message);
  }
}

async function listen(): Promise<void> {
  await Promise.all([
    shell.bind(address(connection, 'shell')),
    control.bind(address(connection, 'control')),
    stdin.bind(address(connection, 'stdin')),
    iopub.bind(address(connection, 'iopub')),
    heartbeat.bind(address(connection, 'hb')),
  ]);
  void receive(shell, (message) => handle({ message, channel: 'shell' }));
  void receive(control, (message) => handle({ message, channel: 'control' }));
  void receive(stdin, answerQuestion);
  void (async () => {
    for await (const frames of heartbeat) await heartbeat.send(frames);
  })();
  status('starting', noHeader);
}

void listen();

// Whoever started the kernel may die without a shutdown request.
if (process.env.JPY_PARENT_PID !== undefined && process.platform !== 'win32') {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
  }, 1000);
}

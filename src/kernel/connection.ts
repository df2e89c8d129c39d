/** The connection file through which a front end and a kernel find each other. */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readUserFile } from '../core/files.ts';
import { userError } from '../core/index.ts';

export interface Connection {
  transport: 'tcp' | 'ipc';
  /** Host for tcp; path prefix for ipc. */
  ip: string;
  shell_port: number;
  iopub_port: number;
  stdin_port: number;
  control_port: number;
  hb_port: number;
  key: string;
  signature_scheme: string;
  kernel_name?: string;
}

export type Channel = 'shell' | 'iopub' | 'stdin' | 'control' | 'hb';

const PORTS = ['shell_port', 'iopub_port', 'stdin_port', 'control_port', 'hb_port'] as const;

/** ZeroMQ address of one channel. */
export function address(connection: Connection, channel: Channel): string {
  const port = connection[`${channel}_port`];
  return connection.transport === 'ipc' ? `ipc://${connection.ip}-${port}` : `tcp://${connection.ip}:${port}`;
}

/** Reads and checks a connection file; throws CONNECTION_FILE. */
export function readConnection(path: string): Connection {
  const bad = (got: string) =>
    userError(
      'CONNECTION_FILE',
      'a Jupyter connection file',
      `${path}: ${got}`,
      'let Jupyter start the kernel, or pass the file it wrote',
    );
  let raw: unknown;
  try {
    raw = JSON.parse(readUserFile(path, 'connection file'));
  } catch (error) {
    if (error instanceof SyntaxError) throw bad(error.message);
    throw error;
  }
  const file = raw as Partial<Connection> | null;
  if (typeof file !== 'object' || file === null) throw bad('not an object');
  for (const port of PORTS) {
    if (!Number.isInteger(file[port])) throw bad(`${port} is ${JSON.stringify(file[port])}`);
  }
  const transport = file.transport ?? 'tcp';
  if (transport !== 'tcp' && transport !== 'ipc') throw bad(`transport ${JSON.stringify(transport)}`);
  const key = file.key ?? '';
  const scheme = file.signature_scheme ?? 'hmac-sha256';
  if (key !== '' && scheme !== 'hmac-sha256') throw bad(`signature_scheme ${JSON.stringify(scheme)}`);
  return { ...(file as Connection), transport, ip: file.ip ?? '127.0.0.1', key, signature_scheme: scheme };
}

/**
 * A new private connection: Unix sockets in the temporary folder, which only this user can reach and which
 * cannot collide; free local ports where there are no Unix sockets.
 */
export async function makeConnection(): Promise<Connection> {
  const key = randomUUID();
  const common = { key, signature_scheme: 'hmac-sha256' };
  if (process.platform !== 'win32') {
    const ip = join(tmpdir(), `interplay-${key.slice(0, 13)}`);
    return {
      ...common,
      transport: 'ipc',
      ip,
      shell_port: 1,
      iopub_port: 2,
      stdin_port: 3,
      control_port: 4,
      hb_port: 5,
    };
  }
  const [shell, iopub, stdin, control, hb] = await freePorts(5);
  return {
    ...common,
    transport: 'tcp',
    ip: '127.0.0.1',
    shell_port: shell!,
    iopub_port: iopub!,
    stdin_port: stdin!,
    control_port: control!,
    hb_port: hb!,
  };
}

/** `count` ports that were free a moment ago (all held together, so that they differ). */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject);
          server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

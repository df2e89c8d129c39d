/** Starts a kernel process with a connection of its own and connects to it. */
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { internalError } from '../core/index.ts';
import { KernelClient } from './client.ts';
import { address, type Connection, makeConnection } from './connection.ts';
import { spawnKernel } from './kernelspec.ts';
import type { TypeCheckMode } from './type-check-mode.ts';

export interface LaunchedKernel {
  client: KernelClient;
  connection: Connection;
  process: ChildProcess;
  /** Content of the kernel_info reply. */
  info: Record<string, unknown>;
  /** Shuts the kernel down and removes what the launch made. */
  close(): Promise<void>;
}

export interface LaunchOptions {
  cwd: string;
  /** Milliseconds within which the kernel must answer. */
  startTimeout?: number;
  connection?: Connection;
  /** What a type error does, if not what the environment says. */
  typeCheck?: TypeCheckMode | undefined;
  /** Another kernel's program and parameters, before the connection file. */
  command?: readonly string[];
}

/** Resolves when the kernel answers; rejects (and leaves no process) when it does not. */
export async function launchKernel({
  cwd,
  startTimeout = 60_000,
  connection,
  typeCheck,
  command,
}: LaunchOptions): Promise<LaunchedKernel> {
  const folder = mkdtempSync(join(tmpdir(), 'interplay-kernel-'));
  const used = connection ?? (await makeConnection());
  const file = join(folder, 'connection.json');
  writeFileSync(file, JSON.stringify(used), { mode: 0o600 });
  const child = spawnKernel(file, {
    cwd,
    stdio: 'ignore',
    typeCheck,
    ...(command === undefined ? {} : { command }),
  });
  const client = new KernelClient(used);
  let isClosing = false;
  const exited = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      client.fail(error);
      resolve();
    });
    child.once('exit', (code, signal) => {
      if (!isClosing) client.fail(new Error(`the kernel process ended (${endingOf(code, signal)})`));
      resolve();
    });
  });
  const cleanUp = () => {
    client.close();
    rmSync(folder, { recursive: true, force: true });
    if (used.transport !== 'ipc') return;
    for (const channel of ['shell', 'iopub', 'stdin', 'control', 'hb'] as const) {
      rmSync(address(used, channel).slice('ipc://'.length), { force: true });
    }
  };
  const close = async () => {
    isClosing = true;
    if (child.exitCode === null && child.signalCode === null) {
      const killer = setTimeout(() => child.kill('SIGKILL'), 3000);
      await client.shutdown().catch(() => child.kill('SIGKILL'));
      await exited;
      clearTimeout(killer);
    }
    cleanUp();
  };
  const late = setTimeout(() => {
    child.kill('SIGKILL');
    client.fail(internalError(`the kernel did not answer within ${startTimeout / 1000} s`));
  }, startTimeout);
  try {
    const info = await client.connect();
    return { client, connection: used, process: child, info, close };
  } catch (error) {
    isClosing = true;
    child.kill('SIGKILL');
    cleanUp();
    throw error;
  } finally {
    clearTimeout(late);
  }
}

/** How the process ended, and what that usually means. */
function endingOf(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal === 'SIGABRT') {
    return 'SIGABRT, as when its memory is used up; NODE_OPTIONS=--max-old-space-size=8192 gives it 8 GB';
  }
  if (signal === 'SIGKILL') return 'SIGKILL, as when the machine has no memory left';
  return signal ?? `exit code ${code}`;
}

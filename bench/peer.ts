/**
 * The other side of the comparisons: a Python process (peers/server.py) with PyTorch and OpenBLAS that answers one
 * request at a time and sleeps in between.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { internalError } from '../src/core/index.ts';

const SERVER = fileURLToPath(new URL('./peers/server.py', import.meta.url));

/** What the peer must have. */
export type Need = 'torch' | 'blas';

const missing: Readonly<Record<Need, string>> = {
  torch: 'PyTorch (Debian: apt install python3-torch libopenblas0-openmp)',
  blas: 'Python with OpenBLAS (Debian: apt install python3 libopenblas0-openmp)',
};

/** What a peer says about itself. */
interface Hello {
  pid: number;
  torch: string | null;
  blas: string | null;
}

/**
 * How OpenMP's threads wait for work. Those that spin (a few milliseconds, libgomp's default) answer sooner; those that
 * sleep suffer less from whoever else computes. Which is faster is tried out.
 */
const SLEEPING = 'PASSIVE';
const WAITING = [undefined, SLEEPING] as const;

/**
 * A peer with all of `needs`, on `threads` threads; undefined, with a line on stderr that says what to install, where
 * none of the Pythons has them: the one that INTERPLAY_PYTHON names, the first on the path, the system's own.
 *
 * @param trial gives the seconds of a sample of the work; the peer whose way of waiting makes it fastest is kept.
 *   Without it, threads sleep: speed does not matter then
 */
export async function openPeer(
  needs: readonly Need[],
  threads: number,
  trial?: (peer: Peer) => Promise<number>,
): Promise<Peer | undefined> {
  const named = process.env.INTERPLAY_PYTHON;
  for (const python of named ? [named] : ['python3', '/usr/bin/python3']) {
    const peers: Peer[] = [];
    for (const waiting of trial === undefined ? [SLEEPING] : WAITING) {
      const peer = await Peer.start(python, threads, waiting);
      if (peer === undefined) break;
      if (needs.some((need) => peer.has[need] === null)) {
        await peer.close();
        break;
      }
      if (peer.has.torch !== null) await peer.ask('threads', { threads });
      peers.push(peer);
    }
    if (peers.length > 0) return trial === undefined ? peers[0] : fastest(peers, trial);
  }
  process.stderr.write(`no peer: this needs ${needs.map((need) => missing[need]).join(' and ')}\n`);
  return undefined;
}

async function fastest(peers: readonly Peer[], trial: (peer: Peer) => Promise<number>): Promise<Peer> {
  let best = { peer: peers[0]!, seconds: Infinity };
  for (const peer of peers) {
    const seconds = await trial(peer);
    if (seconds < best.seconds) best = { peer, seconds };
  }
  for (const peer of peers) if (peer !== best.peer) await peer.close();
  return best.peer;
}

/** Peers not yet closed. */
const open = new Set<Peer>();

/** Ends every peer: after a failure, too, none may stay behind. */
export async function closePeers(): Promise<void> {
  for (const peer of open) await peer.close();
}

export class Peer {
  private asked: { resolve: (line: string) => void; reject: (error: Error) => void } | undefined;
  has!: Hello;

  private constructor(
    private readonly child: ChildProcessByStdio<Writable, Readable, null>,
    private readonly ended: Promise<void>,
    /** What its threads do when they have no work, in words. */
    readonly waiting: string,
  ) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.asked?.resolve(line);
      this.asked = undefined;
    });
    open.add(this);
    ended.then(() => {
      open.delete(this);
      this.asked?.reject(internalError('the peer process ended'));
    });
  }

  /** Undefined where there is no such Python. */
  static async start(python: string, threads: number, waiting?: string): Promise<Peer | undefined> {
    const child = spawn(python, ['-B', SERVER], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: environment(threads, waiting),
    });
    const started = await new Promise<boolean>((resolve) => {
      child.once('spawn', () => resolve(true));
      child.once('error', () => resolve(false)); // no such program
    });
    if (!started) return undefined;
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
    const peer = new Peer(child, ended, waiting === SLEEPING ? 'sleep' : 'spin briefly, then sleep');
    child.stdin.on('error', () => {}); // a peer that ended is noticed by its closing
    peer.has = await peer.ask<Hello>('hello');
    return peer;
  }

  /** Most resident bytes of the peer so far. */
  async peakMemory(): Promise<number> {
    return (await this.ask<{ bytes: number }>('peak_memory')).bytes;
  }

  /** Sends a request and waits for its answer. @throws an internal error with the peer's own words */
  async ask<Answer>(request: string, body: object = {}): Promise<Answer> {
    const line = new Promise<string>((resolve, reject) => {
      this.asked = { resolve, reject };
    });
    this.child.stdin.write(`${JSON.stringify({ do: request, ...body })}\n`);
    const answer = JSON.parse(await line) as Answer & { error?: string };
    if (answer.error !== undefined) throw internalError(`the peer's ${request}: ${answer.error}`);
    return answer;
  }

  async close(): Promise<void> {
    this.child.stdin.end();
    await this.ended;
  }
}

/**
 * The peer at its best: Debian's PyTorch computes with OpenMP threads, and its default OpenBLAS with threads of its own
 * that fight with those; the OpenMP build of OpenBLAS, chosen by the library path, shares them.
 */
function environment(threads: number, waiting?: string): NodeJS.ProcessEnv {
  const folders = existsSync('/usr/lib')
    ? readdirSync('/usr/lib').map((name) => join('/usr/lib', name, 'openblas-openmp'))
    : [];
  const path = [...folders.filter((folder) => existsSync(folder)), process.env.LD_LIBRARY_PATH];
  return {
    ...process.env,
    LD_LIBRARY_PATH: path.filter((part) => part !== undefined && part !== '').join(':'),
    OMP_NUM_THREADS: String(threads),
    OPENBLAS_NUM_THREADS: String(threads),
    ...(waiting === undefined ? {} : { OMP_WAIT_POLICY: waiting }),
  };
}

/**
 * Everything user code writes goes to the notebook: `process.stdout` and `process.stderr`, with the console.
 * (Writes to the descriptors 1 and 2: capture-descriptors.ts; child processes: capture-children.ts. What a native addon
 * prints itself goes past all of it.)
 */
import { StringDecoder } from 'node:string_decoder';

export type StreamName = 'stdout' | 'stderr';
export type WriteStreamText = (name: StreamName, text: string) => void;

/** Redirects both standard streams of this process to `write`; returns the function that undoes it. */
export function captureStreams(write: WriteStreamText): () => void {
  const restores = (['stdout', 'stderr'] as const).map((name) => {
    const stream = process[name];
    const original = stream.write;
    const decoder = new StringDecoder('utf8');
    // No state but the decoder's: Stop may end user code anywhere inside this function.
    stream.write = ((chunk: string | Uint8Array, ...rest: unknown[]) => {
      const encoding = typeof rest[0] === 'string' ? (rest[0] as BufferEncoding) : 'utf8';
      const text =
        typeof chunk === 'string' ? decodeText(chunk, encoding) : decoder.write(Buffer.from(chunk));
      if (text !== '') write(name, text);
      const callback = rest.find((value) => typeof value === 'function') as (() => void) | undefined;
      if (callback !== undefined) process.nextTick(callback);
      return true;
    }) as typeof stream.write;
    return () => {
      stream.write = original;
    };
  });
  return () => {
    for (const restore of restores) restore();
  };
}

function decodeText(chunk: string, encoding: BufferEncoding): string {
  const isText = ['utf8', 'utf-8', 'ucs2', 'ucs-2', 'utf16le', 'utf-16le'].includes(encoding);
  return isText ? chunk : Buffer.from(chunk, encoding).toString('utf8');
}

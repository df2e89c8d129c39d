/**
 * Samples that evaluations share. An entry is a file named by the hash of what its samples depend on: the source (a
 * model's hash), the task's id and prompt, and the settings that matter. It holds samples 0 … n − 1, so that an
 * evaluation with more samples goes on where another ended; with fewer it takes the first.
 *
 * An entry is written whole and takes its name in one step, and its first line has a checksum of the rest: what is
 * damaged all the same is sampled again. Several runs may share a folder; of two entries the longer stays.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { internalError, userError } from '../core/errors.ts';
import { checkOutputFolder, reason, writeFileAtomically } from '../core/files.ts';
import { canonicalJson, sha256 } from '../core/hash.ts';
import type { SampleSettings } from '../sample/index.ts';
import { promptText } from '../tasks/index.ts';
import type { GivenResponse, ResponseRequest, ResponseSource, TaskResponses } from './sources/source.ts';

/** Raised when entries of before would no longer be what a source gives now. */
const VERSION = 1;

/** What a run had from the cache, and what the cache holds now. */
export interface CacheUse {
  folder: string;
  /** Samples that were known. */
  samples: number;
  /** Entries that were found damaged, and sampled again. */
  damaged: number;
  /** Of the whole folder, other runs' included. */
  entries: number;
  bytes: number;
}

export interface CachedSource extends ResponseSource {
  use(): CacheUse;
}

/**
 * A source that samples only what the folder does not have, and adds it.
 * @throws CACHE_SOURCE for a source whose responses are not to be cached, OUTPUT_UNWRITABLE
 */
export function cachedSource(source: ResponseSource, folder: string): CachedSource {
  const { cacheIdentity } = source;
  if (cacheIdentity === undefined) {
    throw userError('CACHE_SOURCE', 'a model or a server', 'saved responses', 'leave the cache out');
  }
  checkOutputFolder(folder);
  let samples = 0;
  let damaged = 0;
  async function* responses(
    requests: readonly ResponseRequest[],
    settings: SampleSettings,
  ): AsyncGenerator<TaskResponses> {
    const keyOf = entryKey(cacheIdentity, source, settings);
    const open: { request: number; known: number; key: string }[] = [];
    for (const [request, { id, task }] of requests.entries()) {
      const key = keyOf(id, promptText(task));
      const entry = readEntry(folder, key);
      if (entry === 'damaged') damaged++;
      const known = Array.isArray(entry) ? entry : [];
      if (known.length < settings.samples) open.push({ request, known: known.length, key });
      else {
        samples += settings.samples;
        yield { request, responses: known.slice(0, settings.samples) };
      }
    }
    const rest = open.map(({ request, known }) => ({ ...requests[request]!, first: known }));
    for await (const { request: i, responses: fresh } of source.responses(rest, settings)) {
      const { request, known, key } = open[i]!;
      const all = [...earlier(folder, key, known), ...fresh];
      samples += known;
      writeEntry(folder, key, all);
      yield { request, responses: all };
    }
  }
  return {
    ...source,
    responses,
    use: () => ({ folder, samples, damaged, ...cacheSize(folder) }),
  };
}

/** Number and bytes of the entries of a cache folder. */
export function cacheSize(folder: string): { entries: number; bytes: number } {
  let entries = 0;
  let bytes = 0;
  if (!existsSync(folder)) return { entries, bytes };
  for (const part of readdirSync(folder, { withFileTypes: true })) {
    if (!part.isDirectory() || !/^[0-9a-f]{2}$/.test(part.name)) continue;
    for (const name of readdirSync(join(folder, part.name))) {
      if (!/^[0-9a-f]{38}\.jsonl$/.test(name)) continue;
      entries++;
      bytes += statSync(join(folder, part.name, name)).size;
    }
  }
  return { entries, bytes };
}

/** Keys of entries: 40 hexadecimal digits of the hash of everything that the samples depend on but their number. */
function entryKey(identity: unknown, source: ResponseSource, settings: SampleSettings) {
  const { samples: _samples, ...relevant } = source.relevant(settings);
  const shared = canonicalJson([VERSION, identity, relevant]);
  return (id: string, prompt: string): string => sha256(JSON.stringify([shared, id, prompt]), 40);
}

function pathOf(folder: string, key: string): string {
  return join(folder, key.slice(0, 2), `${key.slice(2)}.jsonl`);
}

/** The samples of an entry, by index; undefined where there is none. */
function readEntry(folder: string, key: string): GivenResponse[] | 'damaged' | undefined {
  let text: string;
  try {
    text = readFileSync(pathOf(folder, key), 'utf8');
  } catch (error) {
    if (reason(error) === 'ENOENT') return undefined;
    throw userError(
      'INPUT_UNREADABLE',
      'a readable cache',
      `${pathOf(folder, key)} (${reason(error)})`,
      'check the path',
    );
  }
  const end = text.indexOf('\n') + 1;
  if (text.slice(0, end) !== header(key, text.slice(end))) return 'damaged';
  return text
    .slice(end, -1)
    .split('\n')
    .map((line) => JSON.parse(line) as GivenResponse);
}

function writeEntry(folder: string, key: string, samples: readonly GivenResponse[]): void {
  if (samples.some(({ sample_index }, i) => sample_index !== i)) {
    throw internalError('samples 0 … n − 1 expected in a cache');
  }
  const now = readEntry(folder, key); // another run may have been faster, and have taken more
  if (Array.isArray(now) && now.length >= samples.length) return;
  const body = samples.map((sample) => `${JSON.stringify(sample)}\n`).join('');
  writeFileAtomically(pathOf(folder, key), header(key, body) + body);
}

function header(key: string, body: string): string {
  const sum = createHash('sha256').update(body).digest('hex').slice(0, 16);
  return `${JSON.stringify({ key, sha256: sum })}\n`;
}

/** The samples that an entry had when this run began. */
function earlier(folder: string, key: string, known: number): GivenResponse[] {
  if (known === 0) return [];
  const entry = readEntry(folder, key);
  if (Array.isArray(entry) && entry.length >= known) return entry.slice(0, known);
  throw userError(
    'CACHE_CHANGED',
    'a cache that stays while it is used',
    `${pathOf(folder, key)} gone or damaged`,
    'run again',
  );
}

/**
 * Settings of other programs have names and kinds of values that these know (schemas.json was written down from their
 * sources): they ignore, or stumble over, everything else.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { exportLlamaFactory, exportVerl } from '../../src/export/index.ts';
import { disposeQwen2 } from '../../src/model/index.ts';
import { type TinyRun, tinyRun } from './run.ts';

type Kind = 'text' | 'texts' | 'boolean' | 'number' | 'integer' | readonly string[];
interface Schema {
  keys: Record<string, Kind>;
}
const { llamafactory, verl } = JSON.parse(
  readFileSync(new URL('../fixtures/export/schemas.json', import.meta.url), 'utf8'),
) as { llamafactory: Schema; verl: Schema };

/** Scalars and lists of a YAML file of nested maps by dotted key; an own reader, as YAML 1.1 takes plain words. */
function leaves(path: string): Map<string, unknown> {
  const found = new Map<string, unknown>();
  const open: string[] = [];
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const item = /^( *)- (.*)$/.exec(line);
    if (item !== null) {
      (found.get(open.join('.')) as unknown[]).push(scalar(item[2]!));
      continue;
    }
    const [, indent, key, value] = /^( *)"?([\w]+)"?:(?: (.*))?$/.exec(line)!;
    open.splice(indent!.length / 2, Number.POSITIVE_INFINITY, key!);
    found.set(open.join('.'), value === undefined ? [] : scalar(value));
  }
  // What was opened and got no items is a map.
  return new Map([...found].filter(([, value]) => !(Array.isArray(value) && value.length === 0)));
}

function scalar(text: string): unknown {
  if (/^(true|false)$/.test(text)) return text === 'true';
  if (/^[-+]?\d+$/.test(text)) return BigInt(text);
  if (/^[-+]?\d+\.\d*(e[-+]\d+)?$/.test(text)) return Number(text); // a float of YAML 1.1
  return text.startsWith('"') ? JSON.parse(text) : text;
}

function isOf(kind: Kind, value: unknown): boolean {
  switch (kind) {
    case 'text':
      return typeof value === 'string';
    case 'texts':
      return Array.isArray(value) && value.every((item) => typeof item === 'string');
    case 'boolean':
      return typeof value === 'boolean';
    case 'integer':
      return typeof value === 'bigint';
    case 'number':
      return typeof value === 'bigint' || typeof value === 'number';
    default:
      return kind.includes(value as string);
  }
}

function check(path: string, { keys }: Schema): Set<string> {
  const settings = leaves(path);
  assert.ok(settings.size > 20, `${settings.size} settings in ${path}`);
  for (const [key, value] of settings) {
    assert.ok(Object.hasOwn(keys, key), `${key} is no setting there`);
    assert.ok(isOf(keys[key]!, value), `${key}: ${String(value)} is not of ${keys[key]}`);
  }
  return new Set(settings.keys());
}

describe('settings for other programs', () => {
  const runs: TinyRun[] = [];
  after(() => {
    for (const run of runs) run.remove();
  });

  it('of LLaMA-Factory are such as it knows, for every schedule', async () => {
    const seen = new Set<string>();
    for (const schedule of ['cosine', 'constant', 'wsd'] as const) {
      for (const decay_shape of ['linear', 'sqrt'] as const) {
        const run = await tinyRun({
          schedule,
          decay_shape,
          validation: { tasks: schedule === 'wsd' ? 0 : 2 },
        });
        runs.push(run);
        const out = join(run.folder, 'out');
        disposeQwen2(exportLlamaFactory(run.checkpoint, out, { count: 3 }).model);
        for (const stage of ['pretrain', 'midtrain']) {
          for (const key of check(join(out, `${stage}.yaml`), llamafactory)) seen.add(key);
        }
      }
    }
    assert.deepEqual([...seen].sort(), Object.keys(llamafactory.keys).sort(), 'nothing in the list is stale');
  });

  it('of verl are such as it knows', async () => {
    const run = await tinyRun({ validation: { tasks: 2 } });
    runs.push(run);
    const out = join(run.folder, 'out');
    disposeQwen2(exportVerl(run.checkpoint, out, { count: 1024, reward: 'composite-0.5' }).model);
    const seen = check(join(out, 'grpo.yaml'), verl);
    assert.deepEqual([...seen].sort(), Object.keys(verl.keys).sort(), 'nothing in the list is stale');
  });
});

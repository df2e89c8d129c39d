/** Rollouts as files: a line per response with its verdict, reward and advantage. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomically, writeFolderAtomically } from '../core/files.ts';
import { readJsonLines, writeJsonLines } from '../core/jsonl.ts';
import { checkedRow, type EvaluationRow, type SampleRow } from '../evaluate/index.ts';
import type { StepRollouts } from './rollouts.ts';

/** A line of `samples/step-N.jsonl`; `sample_index` counts within the group. */
export type RolloutRow = EvaluationRow & {
  /** Of the response. */
  tokens: number;
  step: number;
  /** Batch of prompts within the step, and place in it: they name the group. */
  round: number;
  prompt_index: number;
  prompt: string;
  /** Before length shaping, after it, and the parts before weighting. */
  score: number;
  reward: number;
  reward_parts: Record<string, number>;
  /** Null: the group was sampled, but not trained on. */
  advantage: number | null;
};

/** Lines of all groups of step `step`; `advantages` by group that is trained on. */
export function* rolloutRows(
  step: number,
  { groups }: StepRollouts,
  advantages: readonly Float64Array[],
): Generator<RolloutRow> {
  for (const { round, index, prompt, rollouts } of groups) {
    const { task, id, text } = prompt;
    for (const rollout of rollouts) {
      yield {
        step,
        round,
        prompt_index: index,
        task_id: id,
        sample_index: rollout.sampleIndex,
        op: task.op,
        template: task.template,
        mode: task.mode,
        ...(task.fingerprint === undefined ? {} : { fingerprint: task.fingerprint }),
        prompt: text,
        response: rollout.text,
        tokens: rollout.response.length,
        stop_reason: rollout.truncated ? 'length' : 'stop',
        score: rollout.score,
        reward: rollout.reward,
        reward_parts: rollout.parts,
        advantage: advantages[rollout.group]?.[rollout.sampleIndex] ?? null,
        ...rollout.verdict,
      };
    }
  }
}

/** Writes `samples/NAME.jsonl` of a run, or `.jsonl.gz`; returns the path. */
export function writeSamples(run: string, name: string, rows: Iterable<object>, compress: boolean): string {
  const path = samplesPath(run, name, compress);
  writeJsonLines(path, rows);
  return path;
}

/** Rows of `samples/NAME.jsonl` or `.jsonl.gz` of a run; undefined where somebody has removed them. @throws INPUT_UNREADABLE, JSONL_LINE, EVALUATION_ROW */
export function readSavedRows(run: string, name: string, compressed: boolean): SampleRow[] | undefined {
  const path = samplesPath(run, name, compressed);
  if (!existsSync(path)) return undefined;
  return Array.from(readJsonLines(path), ({ value, line }) => checkedRow(value, path, line));
}

const samplesPath = (run: string, name: string, compressed: boolean): string =>
  join(run, 'samples', `${name}.jsonl${compressed ? '.gz' : ''}`);

/** Removes what a killed run wrote after its last checkpoint. */
export function rewindSamples(run: string, step: number): void {
  const folder = join(run, 'samples');
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const match = /^(?:step|validation)-(\d+)\.jsonl(?:\.gz)?(?:\.tmp-[0-9a-f]+)?$/.exec(name);
    if (match !== null && (Number(match[1]) > step || name.includes('.tmp-'))) rmSync(join(folder, name));
  }
}

/** Saves the rollouts of a step whose loss or gradient is not finite in `nan/step-N`, with what is known of it. */
export function saveFailedRollouts(run: string, step: number, rows: Iterable<object>, report: object): void {
  writeFolderAtomically(join(run, 'nan', `step-${step}`), (folder) => {
    writeJsonLines(join(folder, 'rollouts.jsonl'), rows);
    writeFileAtomically(join(folder, 'report.json'), `${JSON.stringify({ step, ...report }, null, 2)}\n`);
  });
}

/** Rows of loss curves from the metrics of runs. */
import { existsSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { userError } from '../core/errors.ts';
import { readMetrics } from '../train/runLog.ts';

export type LossKind = 'held-out' | 'training';

export interface LossRowsOptions {
  /** Held-out loss (default), or the mean training loss since the line before. */
  loss?: LossKind;
  /** Held-out loss by group of tasks, as `validation.by` of the runs named them: a row per group (default false). */
  groups?: boolean;
}

/** A point of a loss curve: nats per token after so many tokens of training. */
export interface LossRow {
  /** Name of the run folder; its path where two have one name. */
  run: string;
  tokens: number;
  value: number;
  group?: string;
}

/**
 * Losses of run folders along their training, for `lossCurves` (with `panels: 'group'` for groups). A run may still be
 * under way.
 * @throws INPUT_UNREADABLE for a folder that is no run, FIGURE_EMPTY where no run has such losses
 */
export function lossRows(runs: readonly string[], options: LossRowsOptions = {}): LossRow[] {
  const { loss = 'held-out', groups = false } = options;
  if (groups && loss === 'training') {
    throw userError('OPTION_CONFLICT', 'groups of held-out losses', 'of training losses', 'leave one out');
  }
  const names = runs.map((run) => basename(resolve(run)));
  const rows = runs.flatMap((folder, i) => {
    const name = names[i]!;
    const run = names.indexOf(name) === names.lastIndexOf(name) ? name : folder;
    return metricsOf(folder).flatMap(({ tokens, ...line }): LossRow[] => {
      if (groups) {
        const byGroup = Object.entries(line.validation_loss_by_group ?? {});
        return byGroup.map(([group, value]) => ({ run, tokens, value, group }));
      }
      const value = loss === 'training' ? line.loss : line.validation_loss;
      return value === undefined ? [] : [{ run, tokens, value }];
    });
  });
  if (rows.length > 0) return rows;
  const [kind, remedy] =
    loss === 'training'
      ? ['training', 'wait for the first line of metrics.jsonl']
      : groups
        ? ['held-out groups', 'train with validation.by']
        : ['held-out', 'train with validation, or draw the training loss'];
  throw userError('FIGURE_EMPTY', `${kind} losses`, `none in ${runs.join(', ') || 'no run'}`, remedy);
}

function metricsOf(folder: string) {
  const path = join(folder, 'metrics.jsonl');
  if (existsSync(path) && statSync(path).isFile()) return readMetrics(folder);
  throw userError('INPUT_UNREADABLE', 'a run folder with metrics.jsonl', folder, 'check the path');
}

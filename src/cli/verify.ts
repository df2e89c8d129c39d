/** `interplay verify`: responses in, verdicts out. */
import { type Command, InvalidArgumentError } from 'commander';
import type { Verdict } from '../verify/index.ts';
import { integerOption, printJson } from './terminal.ts';

interface Options {
  in: string;
  out: string;
  seed?: number;
  json?: true;
}

export function register(program: Command): void {
  program
    .command('verify')
    .description('judge responses step by step: answer, process accuracy, errors, rewards')
    .requiredOption(
      '--in <file>',
      'rows with "gold_solution" (or "solution") and "response"; "graph", "truncated" and "stop_reason" are used',
      jsonlPath,
    )
    .requiredOption('--out <file>', 'the same rows with their verdicts', jsonlPath)
    .option('--seed <n>', 'accepted by every command; nothing is drawn here', integerOption(0))
    .option('--json', 'print a summary as one JSON document')
    .action(async (options: Options) => {
      const { readJsonLines, writeJsonLines } = await import('../core/jsonl.ts');
      const { checkedResponse, verify } = await import('../verify/index.ts');
      const total = { rows: 0, parsed: 0, answer_correct: 0, verified: 0, compatible_perfect: 0, process: 0 };
      const judge = function* (): Generator<object> {
        for (const { value, line } of readJsonLines(options.in)) {
          const { task, response, truncated, row } = checkedResponse(value, `${options.in} line ${line}`);
          const verdict: Verdict = verify(task, response, { truncated });
          total.rows++;
          total.parsed += Number(verdict.parsed);
          total.answer_correct += Number(verdict.answer_correct);
          total.verified += Number(verdict.verified);
          total.compatible_perfect += Number(verdict.compatible.perfect);
          total.process += verdict.process_accuracy;
          yield { ...row, ...verdict };
        }
      };
      writeJsonLines(options.out, judge());
      const { process: processSum, ...counts } = total;
      const mean = total.rows === 0 ? Number.NaN : processSum / total.rows;
      if (options.json) printJson({ out: options.out, ...counts, process_accuracy: mean });
      else {
        process.stdout.write(
          `${total.rows} responses: ${total.verified} verified, ${total.answer_correct} right answers, ` +
            `process accuracy ${mean.toFixed(3)}; written to ${options.out}\n`,
        );
      }
    });
}

function jsonlPath(text: string): string {
  if (!/\.jsonl(\.gz)?$/.test(text)) throw new InvalidArgumentError('must be a .jsonl or .jsonl.gz file');
  return text;
}

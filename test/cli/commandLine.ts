/** Runs the command line in this process and captures what it prints. */
import { main } from '../../src/cli/main.ts';

export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

export async function interplay(...argv: string[]): Promise<Outcome> {
  const outcome: Outcome = { code: -1, stdout: '', stderr: '' };
  const { stdout, stderr } = process;
  const originals = { out: stdout.write, err: stderr.write };
  const capture = (name: 'stdout' | 'stderr') =>
    ((chunk: string | Uint8Array) => {
      outcome[name] += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8');
      return true;
    }) as typeof stdout.write;
  stdout.write = capture('stdout');
  stderr.write = capture('stderr');
  try {
    outcome.code = await main(argv);
  } finally {
    stdout.write = originals.out;
    stderr.write = originals.err;
    process.exitCode = undefined; // a command's exit code must not become the test run's
  }
  return outcome;
}

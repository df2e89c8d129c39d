/** `interplay env`: what this machine and installation offer, for planning and for bug reports. */
import type { Command } from 'commander';
import { printJson } from './terminal.ts';

export function register(program: Command): void {
  program
    .command('env')
    .description('versions, backends found and why others are not, CPU features, threads')
    .option('--json', 'print one JSON document')
    .action(async (options: { json?: true }) => {
      const { cpuFeatures, environment, kernelsOnCpu, probeBackends, threadCount, useBackend } = await import(
        '../backend/index.ts'
      );
      const backends = await probeBackends();
      const auto = await useBackend('auto');
      const facts = {
        ...environment(),
        threads: threadCount(),
        cpu_features: cpuFeatures(),
        auto: `${auto.name} (${auto.reason})`,
        backends,
        // Only the two engines leave operations to cpu; another backend has what it has.
        on_cpu: ['native', 'wasm'].includes(auto.name) ? kernelsOnCpu() : [],
      };
      if (options.json) {
        printJson(facts);
        return;
      }
      const { backends: _backends, cpu_features, on_cpu, ...plain } = facts;
      const lines = Object.entries({ ...plain, cpu_features: cpu_features.join(' ') || 'none detected' }).map(
        ([name, value]) => `${name.padEnd(14)} ${value}`,
      );
      const rows = backends.map(({ available, name, reason, remedy }) => {
        const help = remedy === undefined ? '' : `; ${remedy}`;
        return `  ${available ? '✓' : '–'} ${name.padEnd(12)} ${reason}${help}`;
      });
      process.stdout.write(`${lines.join('\n')}\nbackends\n${rows.join('\n')}\n`);
      if (on_cpu.length > 0) {
        process.stdout.write(`computed by cpu when ${auto.name} is used\n${wrap(on_cpu)}\n`);
      }
    });
}

/** Words in indented lines of at most 100 characters. */
function wrap(words: readonly string[]): string {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > 100) lines.push(`  ${word}`);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.join('\n');
}

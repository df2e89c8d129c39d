/** `interplay reward`: judges responses for programs in other languages, over HTTP. */
import type { Command } from 'commander';
import { currentSignal } from '../core/cancellation.ts';
import { integerOption, printJson } from './terminal.ts';

interface Options {
  host: string;
  port: number;
  json?: true;
}

export function register(program: Command): void {
  program
    .command('reward')
    .description('serve rewards over HTTP until ^C: POST /reward (docs/interop.md)')
    .option(
      '--host <address>',
      'address to listen on; others than this machine reach it only when told',
      '127.0.0.1',
    )
    .option('--port <n>', '0 takes a free one', integerOption(0, 65535), 8765)
    .option('--json', 'print the address as one JSON document')
    .action(async ({ host, port, json }: Options) => {
      const { startRewardServer } = await import('../export/index.ts');
      const server = await startRewardServer({ host, port });
      if (json) printJson({ url: server.url });
      else process.stdout.write(`Rewards at ${server.url}/reward; ^C ends\n`);
      await new Promise<void>((resolve) => {
        process.once('SIGINT', () => resolve());
        process.once('SIGTERM', () => resolve());
        currentSignal()?.addEventListener('abort', () => resolve(), { once: true });
      });
      await server.close();
    });
}

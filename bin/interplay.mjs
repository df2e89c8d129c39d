#!/usr/bin/env node
// The `interplay` command: TypeScript sources run directly through tsx, so there is no build step to forget.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

if (!existsSync(fileURLToPath(new URL('../node_modules/tsx/package.json', import.meta.url)))) {
  try {
    import.meta.resolve('tsx/esm/api'); // hoisted, when interplay itself is a dependency
  } catch {
    process.stderr.write('interplay: NOT_INSTALLED: expected installed dependencies, got none; do npm ci\n');
    process.exit(2);
  }
}
process.stdout.on('error', (error) => {
  if (error.code === 'EPIPE') process.exit(0); // the reader (head, less) has seen enough
  throw error;
});
const { register } = await import('tsx/esm/api');
register();
const { main } = await import(new URL('../src/cli/main.ts', import.meta.url).href);
process.exitCode = await main(process.argv.slice(2));

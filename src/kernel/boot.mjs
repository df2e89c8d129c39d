// Entry of the kernel process: `node <flags of kernelspec.ts> boot.mjs CONNECTION_FILE`.
// First the compiler, by Node itself (see typescript.mjs), then the TypeScript loader for everything else.
import './typescript.mjs';

await import('tsx');
await import('./main.ts');

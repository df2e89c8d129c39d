// The TypeScript compiler, loaded the short way: an `import` would send its nine megabytes of source through
// the loader's thread and keep copies of it (135 MB per thread).
import { createRequire } from 'node:module';

export default createRequire(import.meta.url)('typescript');

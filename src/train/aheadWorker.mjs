// Threads do not inherit the TypeScript loader of the thread that starts them; this plain file brings it.
import { register } from 'tsx/esm/api';

register();
await import('./aheadWorker.ts');

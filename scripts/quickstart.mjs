// `npm run quickstart`: from a fresh clone to an executed notebook in notebooks/out/ and figures in figures/.
import { ensureInstalled, root, run } from './install.mjs';

const started = Date.now();
ensureInstalled();
const seconds = () => ((Date.now() - started) / 1000).toFixed(0);
process.stderr.write(`Ready after ${seconds()} s. Executing notebooks/quickstart.ipynb …\n`);
const status = run(process.execPath, [
  'bin/interplay.mjs',
  'run',
  'notebooks/quickstart.ipynb',
  '--out',
  'notebooks/quickstart.ipynb',
  ...process.argv.slice(2),
]);
if (status === 0) {
  process.stderr.write(
    `Done in ${seconds()} s. The executed notebook is ${root}notebooks/quickstart.ipynb, its figures are in ${root}figures/.\n`,
  );
}
process.exit(status);

import { writeFileSync, mkdirSync } from 'node:fs';
import * as p from './src/figures/paper.ts';
import * as r from './test/figures/paper-rows.ts';
mkdirSync('/tmp/pics',{recursive:true});
const figs: Record<string, any> = {
 figure_1: () => p.figure1({ ranges: r.byRun.filter(x=>x.range==='edge'), exposure: r.exposures, midTraining: r.midTraining }),
 figure_3: () => p.figure3(r.byRun), figure_4: () => p.figure4(r.exposures), figure_5: () => p.figure5(r.similarity),
 figure_6: () => p.figure6(r.allocations), figure_7: () => p.figure7(r.rewards), figure_8: () => p.figure8(r.errorGrid),
 figure_9: () => p.figure9(r.alongTraining), figure_10: () => p.figure10(r.nll),
 figure_11: () => p.figure11(r.rlRuns([['op 7–10',.77,248],['op 9–12',.64,280],['op 11–14',.5,285],['op 17–20',0,278]])),
 figure_12: () => p.figure12(r.ratios), figure_15: () => p.figure15(r.hardRatios), figure_18: () => p.figure18(r.budgets),
};
for (const [n,f] of Object.entries(figs)) { if (process.argv[2] && !process.argv.slice(2).includes(n)) continue; const s=performance.now(); try { writeFileSync(`/tmp/pics/${n}.svg`, f().svg); console.log(n, (performance.now()-s).toFixed(0)); } catch(e) { console.log(n, e); } }

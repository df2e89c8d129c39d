import { createTaskSource, trainingText, loadModel, nextTokens, useBackend, pack, lossWeights } from './src/index.ts';
await useBackend('auto');
const ck = process.argv[2]!;
const { model, tokenizer } = loadModel(ck);
const s = createTaskSource({ world: 'micro', contexts: ['zoo'], ops: '3-5', split: 'val', seed: 1 });
const w = lossWeights('solution', tokenizer);
const classes: Record<string, number[][]> = {};
for (let i=0;i<200;i++){ const ids = tokenizer.encode(trainingText(s.at(i))); const batch = pack([Int32Array.from(ids) as any]); const r = nextTokens(model, batch as any, 4096);
 const ww = w?.(ids as any);
 for (let k=0;k+1<ids.length;k++){ if (ww && ww[k]===0) continue; const t = tokenizer.decode([ids[k+1]!]); const c = /^ ?\d+$/.test(t)?'digit':/^ ?[A-Za-z]$/.test(t)?'letter':/^[ ;.=*+\-]+$/.test(t)?'punct':'word'; (classes[c]??=[]).push([r.entropies[k]!, r.logProbabilities[k]!]); } }
for (const [c, v] of Object.entries(classes)) { const e=v.map(x=>x[0]!).sort((a,b)=>a-b); const q=(p:number)=>e[Math.floor(p*(e.length-1))]!.toFixed(3); console.log(c, v.length, 'quantiles .1 .5 .75 .9 .95 .99', q(.1),q(.5),q(.75),q(.9),q(.95),q(.99), 'mean nll', (-v.reduce((a,x)=>a+x[1]!,0)/v.length).toFixed(3)); 
 const bins=[0.05,.3,.8,1.5,2.5,9]; let lo=0; for(const b of bins){ const m=v.filter(x=>x[0]!>=lo&&x[0]!<b); console.log('   <',b,m.length,(-m.reduce((a,x)=>a+x[1]!,0)/m.length).toFixed(3)); lo=b; } }

import { createTaskSource } from './src/tasks/index.ts';
const [mode, depth, ops] = process.argv.slice(2);
const s = createTaskSource({ modes: [mode!], depths: [Number(depth)], ops: ops! });
let n=0; 
for (let r=0;r<4;r++){ const t0=process.cpuUsage(); for (let i=0;i<3000;i++) n+=JSON.stringify(s.at(r*3000+i)).length; const u=process.cpuUsage(t0); console.log((3000/((u.user+u.system)/1e6)).toFixed(0)); }

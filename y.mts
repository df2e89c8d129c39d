import { table1, table2, table3 } from './src/figures/tables/paper.ts';
console.log(table1().markdown, table2().markdown, table3().latex);

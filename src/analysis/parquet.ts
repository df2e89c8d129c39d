/** Analysis tables as Parquet, for pandas, DuckDB and the like. */
import type { ColumnTable } from 'arquero';
import { parquetWriteBuffer } from 'hyparquet-writer';

/** The file's bytes. Numbers are doubles (NaN stays NaN), anything else is text; a column may hold nulls. */
export function tableParquet(table: ColumnTable): Uint8Array {
  const columnData = table.columnNames().map((name) => {
    const data = Array.from(table.array(name));
    const isNumeric = data.some((value) => typeof value === 'number');
    return {
      name,
      type: isNumeric ? ('DOUBLE' as const) : ('STRING' as const),
      nullable: true,
      data: data.map((value) => (value === undefined || isNumeric || value === null ? value : String(value))),
    };
  });
  return new Uint8Array(parquetWriteBuffer({ columnData, statistics: false }));
}

/**
 * Task records as Parquet: the record's keys are columns, the graph is a JSON column. Written row group by row
 * group, so memory does not grow with the file; read synchronously, like JSONL.
 */
import { parquetMetadata, parquetSchema, type SchemaElement, type SchemaTree } from 'hyparquet';
import { readColumn } from 'hyparquet/src/column.js';
import { DEFAULT_PARSERS } from 'hyparquet/src/convert.js';
import { type BasicType, ByteWriter, ParquetWriter, schemaFromColumnData } from 'hyparquet-writer';
import { userError } from '../core/errors.ts';
import { readUserBytes, type Write } from '../core/files.ts';
import type { Task } from './types.ts';

const COLUMNS: readonly { name: keyof Task; type: BasicType }[] = [
  { name: 'problem', type: 'STRING' },
  { name: 'question', type: 'STRING' },
  { name: 'solution', type: 'STRING' },
  { name: 'op', type: 'INT32' },
  { name: 'id', type: 'STRING' },
  { name: 'template', type: 'STRING' },
  { name: 'mode', type: 'STRING' },
  { name: 'length', type: 'STRING' },
  { name: 'd', type: 'INT32' },
  { name: 'graph', type: 'JSON' },
  { name: 'split', type: 'STRING' },
  { name: 'seed', type: 'INT64' },
  { name: 'index', type: 'INT64' },
  { name: 'version', type: 'STRING' },
  { name: 'fingerprint', type: 'STRING' },
];

/** Rows of one row group: a few tens of megabytes of text at most. */
const GROUP_ROWS = 10_000;

/** The columns of a group of rows, as the encoder takes them. */
type Columns = { name: string; type?: BasicType; nullable?: boolean; data: unknown[] }[];

/** Takes rows in order and writes a Parquet file through `write`; call `finish` after the last. */
export class ParquetRowWriter<Row> {
  private rows: Row[] = [];
  private readonly bytes = new ByteWriter();
  private readonly parquet: ParquetWriter;

  constructor(
    private readonly write: Write,
    schema: SchemaElement[],
    private readonly columns: (rows: readonly Row[]) => Columns,
  ) {
    this.parquet = new ParquetWriter({
      writer: this.bytes,
      schema,
      statistics: false,
      createdBy: 'interplay',
    });
  }

  add(row: Row): void {
    this.rows.push(row);
    if (this.rows.length === GROUP_ROWS) this.flush();
  }

  finish(): void {
    if (this.rows.length > 0) this.flush();
    this.parquet.finish();
    this.drain();
  }

  private flush(): void {
    this.parquet.write({ columnData: this.columns(this.rows), rowGroupSize: GROUP_ROWS });
    this.rows = [];
    this.drain();
  }

  /** Hands on what the encoder has produced; its own offset goes on counting bytes of the file. */
  private drain(): void {
    const { bytes } = this;
    if (bytes.index === 0) return;
    this.write(new Uint8Array(bytes.buffer.slice(0, bytes.index)));
    bytes.index = 0;
  }
}

/** Writes task records. */
export class TaskParquetWriter extends ParquetRowWriter<Task> {
  constructor(write: Write) {
    super(write, schemaFromColumnData({ columnData: columns([]) }), columns);
  }
}

function columns(
  rows: readonly Task[],
): { name: string; type: BasicType; nullable: boolean; data: unknown[] }[] {
  return COLUMNS.map(({ name, type }) => ({
    name,
    type,
    nullable: false,
    data: rows.map((row) => (type === 'INT64' ? BigInt(row[name] as number) : row[name])),
  }));
}

/**
 * The rows of a flat Parquet file as objects; 64-bit integers become numbers, absent values are left out.
 * @throws INPUT_UNREADABLE, PARQUET_INVALID
 */
export function* readParquetRows(path: string): Generator<Record<string, unknown>> {
  const content = readUserBytes(path, 'Parquet file');
  const bytes = new Uint8Array(content).buffer; // a copy of its own: Node pools small buffers
  const metadata = guard(path, () => parquetMetadata(bytes));
  const tree = guard(path, () => parquetSchema(metadata));
  let groupStart = 0;
  for (const group of metadata.row_groups) {
    const count = Number(group.num_rows);
    const names: string[] = [];
    const values: unknown[][] = [];
    for (const { meta_data: column } of group.columns) {
      const name = column?.path_in_schema[0] ?? '';
      const leaf = tree.children.find(({ element }) => element.name === name);
      if (column === undefined || leaf === undefined || leaf.children.length > 0) {
        throw invalid(path, `column '${name}' is not flat`);
      }
      const start = Number(column.dictionary_page_offset ?? column.data_page_offset);
      const view = new DataView(bytes, start, Number(column.total_compressed_size));
      const schemaPath: SchemaTree[] = [tree, leaf];
      const { data } = guard(path, () =>
        readColumn(
          { view, offset: 0 },
          { groupStart, selectStart: 0, selectEnd: count, groupRows: count },
          {
            ...column,
            pathInSchema: column.path_in_schema,
            element: leaf.element,
            schemaPath,
            parsers: DEFAULT_PARSERS,
          },
        ),
      );
      names.push(name);
      const flat = data.flatMap((page) => Array.from(page as ArrayLike<unknown>));
      if (flat.length !== count) throw invalid(path, `column '${name}' has ${flat.length} of ${count} rows`);
      values.push(flat);
    }
    for (let row = 0; row < count; row++) {
      const record: Record<string, unknown> = {};
      for (let i = 0; i < names.length; i++) {
        const value = values[i]![row];
        if (value === undefined || value === null) continue;
        record[names[i]!] = typeof value === 'bigint' ? Number(value) : value;
      }
      yield record;
    }
    groupStart += count;
  }
}

function guard<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw invalid(path, error instanceof Error ? error.message : String(error));
  }
}

function invalid(path: string, got: string): Error {
  return userError(
    'PARQUET_INVALID',
    'a complete Parquet file with flat columns',
    `${path} (${got})`,
    'write the file again, or convert it to JSONL',
  );
}

import type { HTMLAttributes, ReactNode } from "react";

export interface Column<Row> {
  readonly title: string;
  readonly of: (row: Row) => ReactNode;
  /** What stands in it decides how: a phone shows the name and the state as a row's first line. */
  readonly kind?: "name" | "number" | "time" | "state" | "actions";
}

interface TableProps<Row> {
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  /** What a row is besides its cells. */
  readonly row?: (row: Row) => HTMLAttributes<HTMLTableRowElement> & { readonly [data: `data-${string}`]: string };
}

/** Rows of one kind of thing; on a phone each is a block. */
export const Table = <Row,>({ columns, rows, keyOf, row }: TableProps<Row>) => (
  <div className="table-wrap">
    <table>
      <thead>
        <tr>
          {columns.map(({ title, kind }) => (
            <th key={title} scope="col" className={kind === "number" ? kind : undefined}>
              {kind === "actions" ? <span className="hidden-words">{title}</span> : title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((one) => (
          <tr key={keyOf(one)} {...row?.(one)}>
            {columns.map(({ title, kind, of }) => (
              <td key={title} className={kind} data-label={title}>
                {kind === "actions" ? <div className="row end">{of(one)}</div> : of(one)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </div>
);

/**
 * Columns for people: a header, then one line a row, two spaces between columns, the last column as long as it needs
 * to be. Cells are shown as they are; make foreign text printable first.
 */
export function renderTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...lines.map((line) => widthOf(line[column] ?? ''))));
  const text = lines.map((line) => line.map((cell, column) => pad(cell, widths[column] ?? 0)).join('  '));
  return text.map((line) => `${line.trimEnd()}\n`).join('');
}

function pad(cell: string, width: number): string {
  return cell + ' '.repeat(Math.max(0, width - widthOf(cell)));
}

function widthOf(cell: string): number {
  return Array.from(cell).length;
}

import { exchangeBounds } from './bounds.ts';
import type { GuacamoleConnection } from './guacamole-connection.ts';
import type { FolderPath } from './imported.ts';
import { malformed } from './json-values.ts';
import type { SqlRow, SqlTables } from './sql-tables.ts';

/** Puts the rows of Guacamole's tables together. Throws `malformed` when the connections are not there. */
export function connectionsOfTables(tables: SqlTables): readonly GuacamoleConnection[] {
  const rows = tables.get('guacamole_connection');
  if (rows === undefined) throw malformed('the dump has no rows of guacamole_connection');
  const groups = new Map(
    rowsOf(tables, 'guacamole_connection_group').map((row) => [cell(row, 'connection_group_id'), row]),
  );
  const parameters = new Map<string, Map<string, string>>();
  for (const row of rowsOf(tables, 'guacamole_connection_parameter')) {
    const id = cell(row, 'connection_id');
    const own = parameters.get(id) ?? new Map<string, string>();
    parameters.set(id, own.set(cell(row, 'parameter_name'), cell(row, 'parameter_value')));
  }
  return rows.map((row) => ({
    name: cell(row, 'connection_name'),
    protocol: cell(row, 'protocol'),
    folder: pathOf(groups, cell(row, 'parent_id')),
    parameters: parameters.get(cell(row, 'connection_id')) ?? new Map<string, string>(),
  }));
}

function rowsOf(tables: SqlTables, table: string): readonly SqlRow[] {
  return tables.get(table) ?? [];
}

function cell(row: SqlRow, column: string): string {
  return row.get(column) ?? '';
}

/** Names of the groups around, outermost first. Groups that are within each other end at the bound. */
function pathOf(groups: ReadonlyMap<string, SqlRow>, innermost: string): FolderPath {
  const path: string[] = [];
  for (let id = innermost; id !== '';) {
    const group = groups.get(id);
    if (group === undefined) break;
    path.unshift(cell(group, 'connection_group_name'));
    if (path.length > exchangeBounds.folderDepth)
      throw malformed('the connection groups are nested too deep, or in a circle');
    id = cell(group, 'parent_id');
  }
  return path;
}

import type { Bytes } from '../../protocol/bytes.ts';
import { parseUtf8 } from '../../protocol/bytes.ts';
import { exchangeBounds } from './bounds.ts';
import { csvRows, csvText, detectDelimiter } from './csv-rows.ts';
import { addGuacamoleConnection, type GuacamoleConnection } from './guacamole-connection.ts';
import { connectionsOfTables } from './guacamole-tables.ts';
import { VaultDraft, type FolderPath, type ImportedVault } from './imported.ts';
import { malformed } from './json-values.ts';
import { readSqlTables } from './sql-tables.ts';
import { parseXml, type XmlElement } from './xml-elements.ts';

/**
 * Guacamole's `user-mapping.xml`: each connection becomes a machine and, when it has a credential, a machine user
 * linked to it for launching. A connection that several people have with the same settings is taken once. The people
 * and their Guacamole passwords are not taken. Throws `malformed`.
 */
export function readUserMapping(bytes: Bytes): ImportedVault {
  if (bytes.length > exchangeBounds.textBytes) throw malformed('the file is too large');
  const root = parseXml(parseUtf8(bytes).replace(/^\ufeff/, ''));
  if (root.name !== 'user-mapping') throw malformed('the xml is not a user-mapping');
  const vault = new VaultDraft('Guacamole user-mapping.xml');
  const seen = new Set<string>();
  for (const person of root.children.filter(({ name }) => name === 'authorize'))
    for (const connection of connectionsOf(person)) {
      const key = JSON.stringify([connection.name, connection.protocol, [...connection.parameters]]);
      if (!seen.has(key)) addGuacamoleConnection(vault, connection);
      seen.add(key);
    }
  vault.leave('the people of the file and their passwords', 'people are invited, not imported');
  return vault.finish();
}

/**
 * An export of Guacamole's database. Taken are: a dump by `mysqldump` or `pg_dump` as SQL text (INSERT or COPY) with
 * the tables `guacamole_connection`, `guacamole_connection_parameter` and, for folders, `guacamole_connection_group`;
 * or one CSV with the columns connection_name, protocol, parameter_name, parameter_value (and parent_name, if any),
 * one row for each parameter, as a join of those tables gives it. Throws `malformed`.
 */
export function readGuacamoleDatabase(bytes: Bytes): ImportedVault {
  const { text } = csvText(bytes);
  const sql = /^\s*(insert\s+into|copy)\s/im.test(text);
  const connections = sql ? connectionsOfTables(readSqlTables(text)) : connectionsOfCsv(text);
  const vault = new VaultDraft('Guacamole database');
  for (const connection of connections) addGuacamoleConnection(vault, connection);
  vault.leave('people, groups, rights and history of the database', 'only connections are taken');
  return vault.finish();
}

/** A person has connections, or is one with the protocol directly inside. */
function connectionsOf(person: XmlElement): readonly GuacamoleConnection[] {
  const inner = person.children.filter(({ name }) => name === 'connection');
  const direct = person.children.some(({ name }) => name === 'protocol') ? [person] : [];
  return [...direct, ...inner].map((element) => {
    const parameters = element.children.filter(({ name }) => name === 'param');
    return {
      name: element === person ? '' : (element.attributes['name'] ?? ''),
      folder: [],
      protocol: element.children.find(({ name }) => name === 'protocol')?.text.trim() ?? '',
      parameters: new Map(parameters.map(({ attributes, text }) => [attributes['name'] ?? '', text])),
    };
  });
}

function connectionsOfCsv(text: string): readonly GuacamoleConnection[] {
  const rows = csvRows(text, detectDelimiter(text));
  const header = rows.next();
  const columns = header.done ? [] : header.value.map((name) => name.trim().toLowerCase());
  const at = (name: string) => columns.indexOf(name);
  const [name, protocol, parameter, value] = [
    'connection_name',
    'protocol',
    'parameter_name',
    'parameter_value',
  ].map(at);
  if ([name, protocol, parameter, value].some((column) => column === undefined || column < 0))
    throw malformed('the csv lacks one of connection_name, protocol, parameter_name, parameter_value');
  const found = new Map<
    string,
    { folder: FolderPath; name: string; protocol: string; parameters: Map<string, string> }
  >();
  for (const row of rows) {
    const cell = (column: number | undefined) => row[column ?? -1] ?? '';
    const parent = cell(at('parent_name'));
    const key = JSON.stringify([cell(at('connection_id')), parent, cell(name), cell(protocol)]);
    const connection = found.get(key) ?? {
      name: cell(name),
      protocol: cell(protocol),
      folder: parent === '' || parent === 'NULL' ? [] : [parent],
      parameters: new Map<string, string>(),
    };
    connection.parameters.set(cell(parameter), cell(value));
    found.set(key, connection);
  }
  return [...found.values()];
}

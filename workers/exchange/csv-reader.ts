import { parseFormulaGuard } from './csv-formula.ts';
import {
  csvFields,
  looksSecret,
  suggestMapping,
  type CsvField,
  type CsvMapping,
  type CsvTarget,
} from './csv-mapping.ts';
import { csvDelimiters, csvRows, csvText, detectDelimiter, type CsvDelimiter } from './csv-rows.ts';
import { pathOf } from './field-parts.ts';
import { VaultDraft, type FolderPath, type ImportedVault } from './imported.ts';
import { malformed } from './json-values.ts';
import { escapedColumns, unescaped } from './lastpass-escapes.ts';
import { isLastPassNote, readLastPassNote } from './lastpass-notes.ts';
import { RecordDraft } from './record-draft.ts';
import { templateOf } from '../../protocol/records/templates.ts';

export interface CsvPreview {
  readonly headers: readonly string[];
  /** The first rows. Values of columns that seem to hold secrets are dots. */
  readonly samples: readonly (readonly string[])[];
  readonly mapping: CsvMapping;
}

const sampleRows = 5;
const sampleLength = 80;

/** A first look at a CSV file: its columns and what they seem to be. Throws `malformed`. */
export function sniffCsv(bytes: Uint8Array): CsvPreview {
  const { text } = csvText(bytes);
  const delimiter = detectDelimiter(text);
  const rows = csvRows(text, delimiter);
  const headers = headersOf(rows);
  const mapping = suggestMapping(headers, delimiter);
  const samples: (readonly string[])[] = [];
  for (const row of rows) {
    samples.push(row.map((value, at) => sample(value, at, headers, mapping)));
    if (samples.length >= sampleRows) break;
  }
  return { headers, samples, mapping };
}

/**
 * Reads the rows by that mapping, or by the suggested one. Every row is a record; a row of a title and a folder alone
 * in LastPass's columns is a folder. What a row lacks at its end is empty; what it has beyond the header is reported. Throws
 * `malformed` naming the row.
 */
export function readCsv(bytes: Uint8Array, chosen?: CsvMapping): ImportedVault {
  const { text, guessed } = csvText(bytes);
  const delimiter = chosen?.delimiter ?? detectDelimiter(text);
  const rows = csvRows(text, delimiter);
  const headers = headersOf(rows);
  const mapping = checked(chosen ?? suggestMapping(headers, delimiter), headers.length);
  const vault = new VaultDraft(mapping.flavour === 'lastpass' ? 'LastPass CSV' : 'CSV');
  if (guessed)
    vault.leave('the encoding', 'the file is not utf-8; look whether letters with accents are right');
  const escaped =
    mapping.flavour === 'lastpass' ? escapedColumns(csvRows(text, delimiter)) : new Set<number>();
  for (const at of escaped)
    vault.leave(
      `the column "${(headers[at] ?? '').slice(0, 100)}" as it is written`,
      'LastPass wrote &, <, > and quotation marks for a web page there, as &amp;: they are put back',
    );
  let number = 1;
  for (const row of rows) {
    number++;
    if (row.slice(headers.length).some((value) => value !== ''))
      vault.leave(`the end of row ${number}`, 'it has more values than the header');
    readRow(
      vault,
      rowOf(
        headers.map((_, at) => (escaped.has(at) ? unescaped(row[at] ?? '') : (row[at] ?? ''))),
        mapping,
      ),
      mapping,
      number,
    );
  }
  reportIgnored(vault, headers, mapping);
  return vault.finish();
}

function headersOf(rows: Generator<readonly string[]>): readonly string[] {
  const first = rows.next();
  if (first.done) throw malformed('the file has no rows');
  return first.value;
}

/** A mapping comes from the page: its shape is checked like a file's. */
function checked(mapping: CsvMapping, columns: number): CsvMapping {
  if (!csvDelimiters.some((known: CsvDelimiter) => known === mapping.delimiter))
    throw malformed('not a delimiter');
  if (mapping.columns.length !== columns)
    throw malformed(`the mapping names ${mapping.columns.length} columns, the file has ${columns}`);
  const known: ReadonlySet<string> = new Set([...csvFields, 'custom']);
  if (!mapping.columns.every(({ kind }) => known.has(kind)))
    throw malformed('the mapping names an unknown place');
  return mapping;
}

/** The values of one row by where they go. Several columns may go to notes or to custom fields. */
interface Row {
  of(field: CsvField): string;
  all(field: CsvField): readonly string[];
  readonly custom: readonly { readonly label: string; readonly secret: boolean; readonly value: string }[];
}

function rowOf(values: readonly string[], { columns, flavour }: CsvMapping): Row {
  const plain = flavour === 'sallyport' ? values.map(parseFormulaGuard) : values;
  const all = (field: CsvField) => plain.filter((_, at) => columns[at]?.kind === field);
  return {
    all,
    of: (field) => all(field).find((value) => value.trim() !== '') ?? '',
    custom: plain.flatMap((value, at) => {
      const target = columns[at];
      return target?.kind === 'custom' ? [{ label: target.label, secret: target.secret, value }] : [];
    }),
  };
}

function readRow(vault: VaultDraft, row: Row, { flavour }: CsvMapping, number: number): void {
  const folder = folderIn(row.of('folder'), flavour);
  if (flavour === 'lastpass' && row.of('url') === 'http://group') {
    vault.folder(folder);
    return;
  }
  const note = flavour === 'lastpass' && isLastPassNote(row.of('url'));
  const title = row.of('title') || row.of('url') || row.of('login') || `Row ${number}`;
  const record = note
    ? readLastPassNote(vault, title, row.all('notes').join('\n'))
    : readLogin(vault, title, row, flavour);
  record.folder = folder;
  record.favourite = /^(1|true|yes|y)$/i.test(row.of('favourite').trim());
  record.tags = row.of('tags').split(/[,;]/);
  for (const { label, secret, value } of row.custom) record.text(label, value, secret);
  record.add();
}

function readLogin(vault: VaultDraft, title: string, row: Row, flavour: string): RecordDraft {
  const named = row.of('type').trim();
  const ours =
    flavour === 'sallyport' && templateOf(named)?.internal === undefined && templateOf(named) !== null;
  const record = new RecordDraft(vault, ours ? named : isNote(row) ? 'encryptedNotes' : 'login', title);
  if (!ours && named !== '' && !/^(login|note|securenote)$/i.test(named)) record.text('type', named);
  record.put('login', row.of('login'));
  record.put('password', row.of('password'));
  for (const url of row.all('url').flatMap(addressesIn)) record.put('url', url);
  record.oneTimeCode(row.of('oneTimeCode'));
  for (const text of row.all('notes')) record.note(text);
  for (const text of row.all('attributes')) readAttributes(record, text);
  return record;
}

/** Several addresses in one cell, as Bitwarden and others write them: each begins anew with its scheme. */
function addressesIn(text: string): readonly string[] {
  return text.split(/[,;\n]\s*(?=[a-z][a-z0-9+.-]*:\/\/)/i).map((url) => url.trim());
}

function isNote(row: Row): boolean {
  return (
    row.of('login') + row.of('password') + row.of('url') + row.of('oneTimeCode') === '' &&
    row.of('notes') !== ''
  );
}

/** Lines "label: value"; a line without a colon goes on with the value before it. */
function readAttributes(record: RecordDraft, text: string): void {
  const attributes: { label: string; value: string }[] = [];
  for (const line of text.split(/\r\n|\n/)) {
    const colon = line.indexOf(': ');
    const last = attributes.at(-1);
    if (line.startsWith('\t') && last) last.value += `\n${line.slice(1)}`;
    else if (colon > 0) attributes.push({ label: line.slice(0, colon), value: line.slice(colon + 2) });
    else if (last) last.value += `\n${line}`;
    else if (line !== '') record.note(line);
  }
  for (const { label, value } of attributes) record.text(label, value, looksSecret(label));
}

function folderIn(text: string, flavour: string): FolderPath {
  return pathOf(text, flavour === 'lastpass' ? '\\' : '/');
}

function sample(value: string, at: number, headers: readonly string[], { columns }: CsvMapping): string {
  if (value !== '' && isSecretColumn(columns[at], headers[at] ?? '')) return '••••••';
  return value.length > sampleLength ? `${value.slice(0, sampleLength)}…` : value;
}

function isSecretColumn(target: CsvTarget | undefined, header: string): boolean {
  const secret = ['password', 'oneTimeCode', 'notes', 'attributes'];
  return looksSecret(header) || (target !== undefined && secret.includes(target.kind));
}

function reportIgnored(vault: VaultDraft, headers: readonly string[], { columns }: CsvMapping): void {
  headers.forEach((header, at) => {
    if (columns[at]?.kind === 'ignore')
      vault.leave(`column "${header.slice(0, 100)}"`, 'it is set to be left out');
  });
}

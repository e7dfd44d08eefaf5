import { utf8 } from '../../protocol/bytes.ts';
import {
  firstText,
  type FieldValue,
  type RecordContent,
  type RecordField,
} from '../../protocol/records/content.ts';
import { dayOf, isEmptyValue } from '../../protocol/records/field-values.ts';
import { fieldTypeOf } from '../../protocol/records/field-types.ts';
import { templateOf } from '../../protocol/records/templates.ts';
import { guardFormula } from './csv-formula.ts';
import { sallyportHeader } from './csv-mapping.ts';
import type { ByteSink, ExportedRecord, ExportSource } from './export-source.ts';

/** Fields that have a column of their own. */
const columns: ReadonlySet<string> = new Set(['login', 'password', 'url', 'oneTimeCode']);

/**
 * The vault as a table in clear (RFC 4180), safe to open in a spreadsheet. It holds texts alone: attachments, links and
 * the kinds of fields are lost. What has no column is a line "label: value" in `attributes`.
 */
export async function exportCsv(source: ExportSource, sink: ByteSink): Promise<void> {
  await sink(utf8(csvRow(sallyportHeader)));
  for await (const record of source.records()) await sink(utf8(csvRow(rowOf(record))));
}

function rowOf({ content, folder, favourite, tags }: ExportedRecord): readonly string[] {
  const note = content.type === 'encryptedNotes' ? firstText(content, 'note') : '';
  return [
    content.type,
    content.title,
    // A slash divides folders when the file is read again.
    folder.map((name) => name.replaceAll('/', '∕')).join('/'),
    favourite ? '1' : '',
    tags.map((tag) => tag.replace(/[,;]/g, ' ')).join(','),
    ...['login', 'password', 'url', 'oneTimeCode'].map((type) => ownText(content, type)),
    [note, content.notes ?? ''].filter(Boolean).join('\n\n'),
    attributesOf(content).join('\n'),
  ];
}

function ownText(content: RecordContent, type: string): string {
  const first = content.fields.find((field) => field.type === type && field.label === undefined)?.value[0];
  return typeof first === 'string' ? first : '';
}

function attributesOf(content: RecordContent): readonly string[] {
  const own = content.fields.filter(({ type, label }) => !(columns.has(type) && label === undefined));
  const shown = own.filter(
    ({ type }) => !(type === 'note' && content.type === 'encryptedNotes') && type !== 'fileRef',
  );
  return [...shown, ...(content.custom ?? [])].flatMap((field) =>
    field.value
      .filter((value) => !isEmptyValue(value))
      .flatMap((value) => linesOf(nameOf(content, field), field, value)),
  );
}

/** Lines within a value start with a tab, so that they are not taken for attributes of their own. */
function linesOf(name: string, { type }: RecordField, value: FieldValue): readonly string[] {
  if (typeof value !== 'object') return [`${name}: ${textOf(type, value).replace(/\r?\n/g, '\n\t')}`];
  return Object.entries(value)
    .filter(([, member]) => member !== '' && member !== null && member !== undefined)
    .map(([member, held]) => {
      const text = typeof held === 'object' ? JSON.stringify(held) : String(held);
      return `${name} ${member}: ${text.replace(/\r?\n/g, '\n\t')}`;
    });
}

function nameOf(content: RecordContent, { type, label }: RecordField): string {
  const template = templateOf(content.type)?.fields.find(
    (field) => field.type === type && field.label === label,
  );
  return (template?.title ?? label ?? fieldTypeOf(type)?.title ?? type).replaceAll(': ', ' ');
}

function textOf(type: string, value: string | number | boolean): string {
  const date = fieldTypeOf(type)?.shape.kind === 'date' && typeof value === 'number';
  return date ? dayOf(value) : String(value);
}

function csvRow(values: readonly string[]): string {
  return `${values.map((value) => `"${guardFormula(value).replaceAll('"', '""')}"`).join(',')}\r\n`;
}

import type { RecordContent } from './content.ts';
import { fieldTypeOf, type TextFormat } from './field-types.ts';
import { everydayTemplates } from './templates-everyday.ts';
import { configurationTemplates, pamTemplates } from './templates-pam.ts';

/** One field of a record type. Whether it is secret says its field type. */
export interface FieldTemplate {
  readonly type: string;
  readonly label?: string;
  /** Shown when it differs from the label. */
  readonly title: string;
  /** A text that has several lines, where its field type has one. */
  readonly multiline?: boolean;
  /** What a `dropdown` offers. */
  readonly options?: readonly string[];
  /** What a text has to look like. */
  readonly format?: TextFormat;
}

export interface RecordTemplate {
  readonly type: string;
  readonly title: string;
  readonly fields: readonly FieldTemplate[];
  /** Made and edited by its own screens, not in the record form. */
  readonly internal?: boolean;
  /** Of an internal type: a person edits in the record form what is there, and makes none. */
  readonly editable?: boolean;
}

/** Record types of this version, in the order in which a person is offered them. */
export const recordTemplates: readonly RecordTemplate[] = [
  ...everydayTemplates,
  ...pamTemplates,
  ...configurationTemplates,
];

const byType: ReadonlyMap<string, RecordTemplate> = new Map(
  recordTemplates.map((template) => [template.type, template]),
);

/** The template of that type, among `custom` ones too. Returns null for a type that has none. */
export function templateOf(type: string, custom: readonly RecordTemplate[] = []): RecordTemplate | null {
  return byType.get(type) ?? custom.find((template) => template.type === type) ?? null;
}

/** The template's field of that type and label; null for a field that the record has besides. */
export function fieldTemplateOf(
  template: RecordTemplate | null,
  field: { readonly type: string; readonly label?: string },
): FieldTemplate | null {
  return template?.fields.find(({ type, label }) => type === field.type && label === field.label) ?? null;
}

/** An empty content of that type with all its fields in order. */
export function emptyContent(template: RecordTemplate): RecordContent {
  const fields = template.fields.map(({ type, label }) =>
    label === undefined ? { type, value: [] } : { type, label, value: [] },
  );
  return { type: template.type, title: '', fields };
}

/** What a person calls the field: the template's title, else its own label, else its type's. */
export function fieldTitle(
  template: RecordTemplate | null,
  field: { readonly type: string; readonly label?: string },
): string {
  return (
    fieldTemplateOf(template, field)?.title || field.label || fieldTypeOf(field.type)?.title || field.type
  );
}

import { ProtocolError } from '../../protocol/errors.ts';
import type { FieldValue, RecordContent, RecordField } from '../../protocol/records/content.ts';
import { isEmptyValue, parseFieldValue } from '../../protocol/records/field-values.ts';
import { fieldTypeOf } from '../../protocol/records/field-types.ts';
import { limits } from '../../protocol/limits.ts';
import { emptyContent, templateOf, type RecordTemplate } from '../../protocol/records/templates.ts';
import { exchangeBounds } from './bounds.ts';
import type { FolderPath, ImportedAttachment, ImportedRecord, VaultDraft } from './imported.ts';
import { oneLine } from './field-parts.ts';
import { oneTimeCodeUri } from './one-time-code.ts';

/** A record while a reader fills it: values go to the field that its type has for them, or become custom fields. */
export class RecordDraft {
  readonly title: string;
  readonly #vault: VaultDraft;
  readonly #template: RecordTemplate;
  readonly #own: RecordField[];
  readonly #custom: RecordField[] = [];
  readonly #notes: string[] = [];
  readonly #attachments: ImportedAttachment[] = [];
  folder: FolderPath = [];
  favourite = false;
  tags: readonly string[] = [];

  /** Throws `internal` for a type without a template: readers name types, files do not. */
  constructor(vault: VaultDraft, type: string, title: string) {
    const template = templateOf(type);
    if (template === null) throw new ProtocolError('internal', `no template for ${type}`);
    this.#vault = vault;
    this.#template = template;
    this.#own = [...emptyContent(template).fields];
    this.title = oneLine(title).slice(0, exchangeBounds.title) || 'Untitled';
  }

  /** A value of a known field type. Nothing happens for an empty one; one that does not fit is reported. */
  put(type: string, value: FieldValue, label?: string): void {
    if (isEmptyValue(value)) return;
    if (!this.#fits(type, value, label)) return;
    const at = this.#own.findIndex((field) => field.type === type && field.label === label);
    const own = this.#own[at];
    const free = own !== undefined && (own.value.length === 0 || fieldTypeOf(type)?.many === true);
    if (own && free) this.#own[at] = { ...own, value: [...own.value, value] };
    else this.#putCustom(type, label ?? this.#titleOf(type), value);
  }

  /** A custom field whatever the type has: for what the file's owner named. */
  custom(type: string, label: string, value: FieldValue): void {
    if (!isEmptyValue(value) && this.#fits(type, value, label)) this.#putCustom(type, label, value);
  }

  /** A text under its owner's label: `secret` when it was hidden, else by its lines. */
  text(label: string, value: string, hidden = false): void {
    this.custom(hidden ? 'secret' : value.includes('\n') ? 'multiline' : 'text', label, value);
  }

  /** A secret of a one-time code, bare or as a URI; kept as a secret text when it is none that we can count. */
  oneTimeCode(value: string, label?: string): void {
    if (value.trim() === '') return;
    const uri = oneTimeCodeUri(value, this.title);
    if (uri !== null) return this.put('oneTimeCode', uri, label);
    this.text(label ?? 'One-time code', value, true);
    this.#vault.leave(
      `the one-time code of "${this.title}"`,
      'it is not of a kind that we can show; it was kept as a secret text',
    );
  }

  /** Paragraphs add up. The text of a secure note is its note field, as long as it fits there. */
  note(text: string): void {
    if (text.trim() !== '') this.#notes.push(text.replaceAll('\r\n', '\n'));
  }

  attach(file: ImportedAttachment): void {
    if (this.#attachments.length >= exchangeBounds.attachmentsPerRecord) {
      this.leave('a file', `a record has at most ${exchangeBounds.attachmentsPerRecord}`);
      return;
    }
    const name = fileName(file.name);
    this.#attachments.push({ ...file, name, mediaType: mediaTypeOf(file.mediaType) });
  }

  /** Reports a part of this record that stays behind. */
  leave(part: string, why: string): void {
    this.#vault.leave(`${part} of "${this.title}"`, why);
  }

  /** Adds the record to its vault. Returns its index there, or null when it was too large and was reported. */
  add(): number | null {
    return this.#vault.add(this.#finish());
  }

  #finish(): ImportedRecord {
    const notes = this.#notes.join('\n\n');
    const at =
      this.#template.type === 'encryptedNotes' ? this.#own.findIndex(({ type }) => type === 'note') : -1;
    const own = this.#own[at];
    const inField = own !== undefined && notes !== '' && notes.length <= limits.fieldText;
    const content: RecordContent = {
      type: this.#template.type,
      title: this.title,
      ...(notes !== '' && !inField ? { notes } : {}),
      fields: inField ? this.#own.with(at, { ...own, value: [notes] }) : this.#own,
      ...(this.#custom.length > 0 ? { custom: this.#custom } : {}),
    };
    const tags = [
      ...new Set(this.tags.map((tag) => oneLine(tag).slice(0, exchangeBounds.tag).trim()).filter(Boolean)),
    ];
    return {
      content,
      folder: this.folder,
      favourite: this.favourite,
      tags: tags.slice(0, exchangeBounds.tagsPerRecord),
      attachments: this.#attachments,
    };
  }

  #fits(type: string, value: FieldValue, label: string | undefined): boolean {
    try {
      parseFieldValue(type, value);
      return true;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      const name = label ?? this.#titleOf(type);
      if (error.code === 'too-large' && typeof value === 'string') this.#attachText(name, value);
      else this.leave(`"${oneLine(name)}"`, 'its value does not have the form that such a field has');
      return false;
    }
  }

  #attachText(name: string, text: string): void {
    this.attach({
      name: `${oneLine(name)}.txt`,
      mediaType: 'text/plain',
      bytes: new TextEncoder().encode(text),
    });
    this.leave(`"${oneLine(name)}"`, 'it is too long for a field; it was kept as a file of the record');
  }

  #putCustom(type: string, label: string, value: FieldValue): void {
    if (this.#custom.length >= exchangeBounds.fieldsPerRecord) {
      this.leave(
        `"${oneLine(label)}"`,
        `a record has at most ${exchangeBounds.fieldsPerRecord} fields of its own`,
      );
      return;
    }
    const short = oneLine(label).slice(0, exchangeBounds.fieldLabel) || this.#titleOf(type);
    this.#custom.push({ type, label: short, value: [value] });
  }

  #titleOf(type: string): string {
    return fieldTypeOf(type)?.title ?? type;
  }
}

/** A name and no path, as a record takes it: what could make a list or a folder show another name is replaced. */
function fileName(name: string): string {
  const plain = oneLine(name)
    .replace(/[/\\\u2028-\u202e\u2066-\u2069]/g, '_')
    .slice(0, limits.fileName)
    .trim();
  return /^\.{0,2}$/.test(plain) ? 'file' : plain;
}

function mediaTypeOf(text: string): string {
  const fits = text.length <= limits.mediaType && /^[\w.+-]+\/[\w.+-]+$/.test(text);
  return fits ? text.toLowerCase() : 'application/octet-stream';
}

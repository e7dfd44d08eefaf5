import {
  firstText,
  firstValue,
  type FieldValue,
  type RecordContent,
} from '../../protocol/records/content.ts';
import {
  connectionKindOf,
  protocolsOf,
  type ConnectionProtocol,
} from '../../protocol/records/connection-protocols.ts';
import {
  defaultConnection,
  readPamSettings,
  settingsFieldOf,
  type ConnectionSettings,
  type PamSettings,
} from '../../protocol/records/pam-settings.ts';
import { emptyContent, type RecordTemplate } from '../../protocol/records/templates.ts';
import { newUid, type Uid } from '../../protocol/uid.ts';
import type { FieldPath, RecordView, SaveRecord } from '../../workers/api.ts';
import { checkDraft, type DraftProblems } from './draft-problems.ts';
import {
  draftFields,
  keptAt,
  keptValues,
  newDraft,
  withMembersAt,
  withValueAt,
  type FieldDraft,
} from './fields/field-draft.ts';

type Members = Readonly<Record<string, unknown>>;

/** A record while it is edited. Secrets that nobody touches keep the value the vault has. */
export class RecordDraft {
  readonly uid: Uid | null;
  readonly type: string;
  baseRevision = $state<number | null>(null);
  title = $state('');
  notes = $state('');
  fields = $state.raw<readonly FieldDraft[]>([]);
  custom = $state.raw<readonly FieldDraft[]>([]);
  connectionsAllowed = $state(true);
  /** The record as the form makes it; kept secrets are empty here. */
  readonly content: RecordContent = $derived(this.#compose());
  readonly problems: DraftProblems = $derived(checkDraft(this));
  /** Members that this version does not know. */
  readonly #rest: RecordContent;
  /** The same at every try: one whose answer was lost is not made twice. */
  readonly #newUid = newUid();
  #saved: string;

  /** Without a template: of a type that is no more, with the fields that the record has. */
  constructor(
    uid: Uid | null,
    content: RecordContent,
    template: RecordTemplate | null,
    withheld: readonly FieldPath[] = [],
  ) {
    this.uid = uid;
    this.type = content.type;
    this.#rest = content;
    this.title = content.title;
    this.notes = content.notes ?? '';
    this.fields = completed(draftFields(content, withheld, 'fields'), template);
    this.custom = draftFields(content, withheld, 'custom');
    this.#saved = this.#picture();
  }

  static create(template: RecordTemplate): RecordDraft {
    const draft = new RecordDraft(null, emptyContent(template), template);
    if (template.type !== 'pamMachine') return draft;
    draft.host = { hostName: '', port: '22' };
    draft.#saved = draft.#picture();
    return draft;
  }

  static edit(view: RecordView, template: RecordTemplate | null): RecordDraft {
    const draft = new RecordDraft(view.uid, view.content, template, view.withheld);
    draft.baseRevision = view.revision;
    draft.connectionsAllowed = view.connectionsAllowed;
    draft.#saved = draft.#picture();
    return draft;
  }

  get dirty(): boolean {
    return this.#picture() !== this.#saved;
  }

  /** The own field of that type and label. */
  field(type: string, label?: string): FieldDraft | null {
    return this.fields.find(({ field }) => field.type === type && field.label === label) ?? null;
  }

  text(type: string, label?: string): string {
    return firstText(
      { ...this.#rest, fields: this.fields.map(({ field }) => field), custom: [] },
      type,
      label,
    );
  }

  setText(type: string, text: string, label?: string): void {
    this.#setValue(type, text, label);
  }

  isWithheld(type: string, label?: string): boolean {
    return this.withheldPath(type, label) !== null;
  }

  withheldPath(type: string, label?: string): FieldPath | null {
    const draft = this.field(type, label);
    return draft === null ? null : keptAt(draft, 0);
  }

  /** A withheld value was fetched to be seen: that is no change. */
  takeRevealed(type: string, text: string, label?: string): void {
    const clean = !this.dirty;
    this.setText(type, text, label);
    if (clean) this.#saved = this.#picture();
  }

  /** Puts a changed field where it was. */
  replace(draft: FieldDraft): void {
    this.fields = this.fields.map((one) => (one.id === draft.id ? draft : one));
  }

  /** Takes over the own fields that are others in that content. */
  changeFields({ fields }: RecordContent): void {
    for (const {
      type,
      label,
      value: [value],
    } of fields) {
      if (value !== undefined && value !== this.field(type, label)?.field.value[0])
        this.#setValue(type, value, label);
    }
  }

  get host(): { readonly hostName: string; readonly port: string } {
    const value = membersOf(firstValue(this.content, 'pamHostname'));
    return { hostName: String(value['hostName'] ?? ''), port: String(value['port'] ?? '') };
  }
  set host(host: { readonly hostName: string; readonly port: string }) {
    const before = membersOf(this.field('pamHostname')?.field.value[0]);
    this.#setValue('pamHostname', { ...before, ...host });
  }

  /** What another client wrote wrongly counts as the usual settings: the form is where it is put right. */
  get settings(): PamSettings {
    try {
      return readPamSettings(this.content);
    } catch {
      return { connection: { ...defaultConnection, protocol: protocolsOf(this.type)[0] ?? 'ssh' } };
    }
  }

  /** Members set to undefined are removed; members this version does not know are kept. */
  setConnection(patch: {
    readonly [Name in keyof ConnectionSettings]?: ConnectionSettings[Name] | undefined;
  }): void {
    const raw = membersOf(firstValue(this.content, settingsFieldOf(this.type)));
    this.#setSettings({ ...raw, connection: withoutUndefined({ ...this.#connectionIn(raw), ...patch }) });
  }

  setConfiguration(configurationUid: Uid | undefined): void {
    const raw = membersOf(firstValue(this.content, settingsFieldOf(this.type)));
    this.#setSettings(withoutUndefined({ ...raw, connection: this.#connectionIn(raw), configurationUid }));
  }

  /** The usual port of a machine goes with its protocol. */
  setProtocol(protocol: ConnectionProtocol): void {
    const former = connectionKindOf(this.settings.connection.protocol).port;
    // What one protocol's machine was known by says nothing of another's.
    if (protocol !== this.settings.connection.protocol) this.setConnection({ hostKey: undefined });
    this.setConnection({ protocol });
    const { port, hostName } = this.host;
    if (this.type === 'pamMachine' && (port === '' || port === String(former)))
      this.host = { hostName, port: String(connectionKindOf(protocol).port) };
  }

  /** What the worker is asked to save. */
  toSave(): SaveRecord {
    return {
      ...(this.uid === null ? { newUid: this.#newUid } : { uid: this.uid }),
      ...(this.baseRevision === null ? {} : { baseRevision: this.baseRevision }),
      content: { ...this.content, title: this.title.trim() },
      withheld: [...keptValues(this.fields, 'fields'), ...keptValues(this.custom, 'custom')],
      ...(this.type === 'pamMachine' ? { connectionsAllowed: this.connectionsAllowed } : {}),
    };
  }

  /** A secret inside of the connection stays, whatever else of it changes. */
  #setSettings(value: FieldValue): void {
    const field = settingsFieldOf(this.type);
    const draft = this.field(field);
    if (draft !== null) this.replace(withMembersAt(draft, 0, value));
    else this.#setValue(field, value);
  }

  /** As it is, with the protocol said; of a terminal's settings with what they have by default. */
  #connectionIn(raw: Members): Members {
    // What they are read from has other names in the record.
    const { limits: _limits, recording: _recording, ...connection } = this.settings.connection;
    const { protocol } = connection;
    return { ...membersOf(raw['connection']), ...(protocol === 'ssh' ? connection : { protocol }) };
  }

  #setValue(type: string, value: FieldValue, label?: string): void {
    const draft = this.field(type, label);
    if (draft !== null) return this.replace(withValueAt(draft, 0, value));
    const field = label === undefined ? { type, value: [] } : { type, label, value: [] };
    this.fields = [...this.fields, withValueAt(newDraft(this.fields, field), 0, value)];
  }

  #compose(): RecordContent {
    const { notes: _notes, custom: _custom, ...rest } = this.#rest;
    const custom = this.custom.map(({ field }) => field);
    return {
      ...rest,
      title: this.title,
      fields: this.fields.map(({ field }) => field),
      ...(custom.length > 0 && { custom }),
      ...(this.notes !== '' && { notes: this.notes }),
    };
  }

  #picture(): string {
    return JSON.stringify([this.title, this.notes, this.fields, this.custom, this.connectionsAllowed]);
  }
}

/** A record of an earlier version gets the fields that its type has by now, empty, at their end. */
function completed(drafts: readonly FieldDraft[], wanted: RecordTemplate | null): readonly FieldDraft[] {
  return (wanted?.fields ?? []).reduce<readonly FieldDraft[]>((list, template) => {
    const { type: fieldType, label } = template;
    if (list.some(({ field }) => field.type === fieldType && field.label === label)) return list;
    const field =
      label === undefined ? { type: fieldType, value: [] } : { type: fieldType, label, value: [] };
    return [...list, newDraft(list, field)];
  }, drafts);
}

function membersOf(value: unknown): Members {
  return typeof value === 'object' && value !== null ? (value as Members) : {};
}

function withoutUndefined<T extends Members>(members: T): { [member: string]: unknown } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

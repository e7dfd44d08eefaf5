import {
  findField,
  firstText,
  firstValue,
  withValue,
  type RecordContent,
  type RecordField,
} from '../../protocol/records/content.ts';
import {
  readPamSettings,
  type ConnectionSettings,
  type PamSettings,
} from '../../protocol/records/pam-settings.ts';
import { emptyContent, type RecordTemplate } from '../../protocol/records/templates.ts';
import type { Uid } from '../../protocol/uid.ts';
import type { FieldPath, RecordView, SaveRecord } from '../../workers/api.ts';
import { checkDraft, type DraftProblems } from './draft-problems.ts';

type Members = Readonly<Record<string, unknown>>;

/** A record while it is edited. Fields that stay withheld keep the value the vault has. */
export class RecordDraft {
  readonly uid: Uid | null;
  baseRevision = $state<number | null>(null);
  content = $state.raw<RecordContent>({ type: '', title: '', fields: [] });
  withheld = $state.raw<readonly FieldPath[]>([]);
  connectionsAllowed = $state(true);
  #saved: string;

  constructor(uid: Uid | null, content: RecordContent) {
    this.uid = uid;
    this.content = content;
    this.#saved = this.#picture();
  }

  static create(template: RecordTemplate): RecordDraft {
    const content = emptyContent(template);
    const machine = withValue(content, 'pamHostname', [{ hostName: '', port: '22' }]);
    return new RecordDraft(null, template.type === 'pamMachine' ? machine : content);
  }

  static edit(view: RecordView): RecordDraft {
    const draft = new RecordDraft(view.uid, view.content);
    draft.baseRevision = view.revision;
    draft.withheld = view.withheld;
    draft.connectionsAllowed = view.connectionsAllowed;
    draft.#saved = draft.#picture();
    return draft;
  }

  get dirty(): boolean {
    return this.#picture() !== this.#saved;
  }

  get problems(): DraftProblems {
    return checkDraft(this.content);
  }

  get title(): string {
    return this.content.title;
  }
  set title(title: string) {
    this.content = { ...this.content, title };
  }

  get notes(): string {
    return this.content.notes ?? '';
  }
  set notes(notes: string) {
    const { notes: _before, ...rest } = this.content;
    this.content = notes === '' ? rest : { ...rest, notes };
  }

  text(type: string, label?: string): string {
    return firstText(this.content, type, label);
  }

  setText(type: string, text: string, label?: string): void {
    this.content = withValue(this.content, type, text === '' ? [] : [text], label);
    this.withheld = this.withheld.filter((path) => !this.#isAt(path, type, label));
  }

  isWithheld(type: string, label?: string): boolean {
    return this.withheldPath(type, label) !== null;
  }

  withheldPath(type: string, label?: string): FieldPath | null {
    return this.withheld.find((path) => this.#isAt(path, type, label)) ?? null;
  }

  /** A withheld value was fetched to be seen: that is no change. */
  takeRevealed(type: string, text: string, label?: string): void {
    const clean = !this.dirty;
    this.setText(type, text, label);
    if (clean) this.#saved = this.#picture();
  }

  get host(): { readonly hostName: string; readonly port: string } {
    const value = membersOf(firstValue(this.content, 'pamHostname'));
    return { hostName: String(value['hostName'] ?? ''), port: String(value['port'] ?? '') };
  }
  set host(host: { readonly hostName: string; readonly port: string }) {
    const before = membersOf(firstValue(this.content, 'pamHostname'));
    this.content = withValue(this.content, 'pamHostname', [{ ...before, ...host }]);
  }

  get settings(): PamSettings {
    return readPamSettings(this.content);
  }

  /** Members set to undefined are removed; members this version does not know are kept. */
  setConnection(patch: {
    readonly [Name in keyof ConnectionSettings]?: ConnectionSettings[Name] | undefined;
  }): void {
    const raw = membersOf(firstValue(this.content, 'pamSettings'));
    const connection = { ...membersOf(raw['connection']), ...this.settings.connection, ...patch };
    this.#setSettings({ ...raw, connection: withoutUndefined(connection) });
  }

  setConfiguration(configurationUid: Uid | undefined): void {
    const raw = membersOf(firstValue(this.content, 'pamSettings'));
    this.#setSettings(withoutUndefined({ ...raw, connection: this.settings.connection, configurationUid }));
  }

  /** What the worker is asked to save. */
  toSave(): SaveRecord {
    return {
      ...(this.uid === null ? {} : { uid: this.uid }),
      ...(this.baseRevision === null ? {} : { baseRevision: this.baseRevision }),
      content: { ...this.content, title: this.content.title.trim() },
      withheld: this.withheld,
      ...(this.content.type === 'pamMachine' ? { connectionsAllowed: this.connectionsAllowed } : {}),
    };
  }

  #setSettings(value: Members): void {
    this.content = withValue(this.content, 'pamSettings', [value]);
  }

  #isAt(path: FieldPath, type: string, label?: string): boolean {
    const field: RecordField | undefined = (this.content[path.group] ?? [])[path.index];
    return field !== undefined && field === findField(this.content, type, label);
  }

  #picture(): string {
    return JSON.stringify([this.content, this.withheld, this.connectionsAllowed]);
  }
}

function membersOf(value: unknown): Members {
  return typeof value === 'object' && value !== null ? (value as Members) : {};
}

function withoutUndefined(members: Members): Members {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

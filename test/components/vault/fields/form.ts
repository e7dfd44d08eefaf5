import { flushSync, mount, unmount } from 'svelte';
import type { RecordContent } from '../../../../protocol/records/content.ts';
import { putBack, withhold } from '../../../../protocol/records/withholding.ts';
import { keptValues, type FieldDraft } from '../../../../web/vault/fields/field-draft.ts';
import { createFakeVault, type FakeVault } from '../../../fakes/vault-verbs.ts';
import FieldsHarness from './FieldsHarness.svelte';

interface Drafts {
  readonly fields: readonly FieldDraft[];
  readonly custom: readonly FieldDraft[];
}

/** A record's fields on the page, seen and used as a person does. */
export class FieldsPage {
  readonly fake: FakeVault = createFakeVault({ phase: 'unlocked', email: 'ada@example.org' });
  readonly #record: RecordContent;
  readonly #app: ReturnType<typeof mount>;
  #drafts: Drafts = { fields: [], custom: [] };

  constructor(record: RecordContent, mode: 'edit' | 'view', strict = false) {
    this.#record = record;
    this.#app = mount(FieldsHarness, {
      target: document.body,
      props: {
        verbs: this.fake,
        recordUid: this.fake.put(record),
        ...withhold(record),
        mode,
        strict,
        ondrafts: (drafts: Drafts) => (this.#drafts = drafts),
      },
    });
    flushSync();
  }

  /** What the worker would seal if the form was saved now. */
  saved(): RecordContent {
    const { fields, custom } = this.#drafts;
    const content = {
      ...this.#record,
      fields: fields.map(({ field }) => field),
      custom: custom.map(({ field }) => field),
    };
    const kept = [...keptValues(fields, 'fields'), ...keptValues(custom, 'custom')];
    return putBack(content, kept, this.#record);
  }

  text(): string {
    return document.body.textContent ?? '';
  }

  input(label: string): HTMLInputElement {
    const labels = [...document.querySelectorAll('label')];
    const found = labels.find((element) => element.textContent?.trim() === label);
    const input =
      document.getElementById(found?.htmlFor ?? '') ?? document.querySelector(`input[aria-label="${label}"]`);
    if (input === null) throw new Error(`no input ${label}`);
    return input as HTMLInputElement;
  }

  type(label: string, text: string): void {
    const input = this.input(label);
    input.value = text;
    const whole = input.type === 'date' || input.type === 'select-one';
    if (input.type === 'select-one') markChosen(input as unknown as HTMLSelectElement);
    input.dispatchEvent(new Event(whole ? 'change' : 'input', { bubbles: true }));
    flushSync();
  }

  key(label: string, init: KeyboardEventInit): void {
    this.input(label).dispatchEvent(
      new KeyboardEvent('keydown', { bubbles: true, cancelable: true, ...init }),
    );
    flushSync();
  }

  button(name: string): HTMLButtonElement {
    const all = [...document.querySelectorAll('button')];
    const found = all.find((element) => element.textContent?.trim() === name);
    if (found === undefined) throw new Error(`no button ${name}`);
    return found;
  }

  press(name: string): void {
    this.button(name).click();
    flushSync();
  }

  async close(): Promise<void> {
    await unmount(this.#app);
    document.body.replaceChildren();
  }
}

/** Svelte asks a select for its `:checked` option, which happy-dom knows of inputs only. */
export function markChosen(select: HTMLSelectElement): void {
  const chosen = select.options[select.selectedIndex] ?? null;
  const query = select.querySelector.bind(select);
  select.querySelector = (selector: string) => (selector === ':checked' ? chosen : query(selector));
}

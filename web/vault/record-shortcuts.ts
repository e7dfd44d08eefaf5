import type { RecordField } from '../../protocol/records/content.ts';
import { takesText } from '../shell/shortcuts.ts';
import type { FieldPath, RecordView } from '../../workers/api.ts';
import type { SecretClipboard } from '../state/secret-clipboard.svelte.ts';
import type { Toasts } from '../state/toasts.svelte.ts';
import { isWebAddress } from './web-address.ts';

type FieldOfKey = 'password' | 'login' | 'url';

const recordKeys: ReadonlyMap<string, FieldOfKey> = new Map([
  ['c', 'password'],
  ['u', 'login'],
  ['o', 'url'],
]);

interface Parts {
  readonly view: () => RecordView;
  readonly reveal: (path: FieldPath) => Promise<string>;
  readonly toasts: Toasts;
  readonly clipboard: SecretClipboard;
}

/** Copies from the record that is open and opens its website, by one key; the function returned stops it. */
export function bindRecordShortcuts(parts: Parts): () => void {
  const onKey = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (takesText(event.target)) return;
    const run = runOf(event.key, parts);
    if (run === null) return;
    event.preventDefault();
    run().catch((error: unknown) => parts.toasts.fail(error, 'Not copied'));
  };
  window.addEventListener('keydown', onKey);
  return () => window.removeEventListener('keydown', onKey);
}

function runOf(key: string, { view, reveal, toasts, clipboard }: Parts): (() => Promise<void>) | null {
  const record = view();
  switch (recordKeys.get(key)) {
    case 'password': {
      const path = pathOf(record, 'password');
      return path && (async () => await clipboard.copy('Password', await reveal(path)));
    }
    case 'login': {
      const login = textOf(record, 'login');
      if (login === null) return null;
      return async () => {
        await navigator.clipboard.writeText(login);
        toasts.say({ title: 'Login copied' });
      };
    }
    case 'url': {
      const address = textOf(record, 'url');
      if (address === null || !isWebAddress(address)) return null;
      return async () => void window.open(address, '_blank', 'noopener,noreferrer');
    }
    case undefined:
      return null;
  }
}

function pathOf({ content, withheld }: RecordView, type: FieldOfKey): FieldPath | null {
  const index = content.fields.findIndex((field) => isOfKey(field, type));
  return withheld.find((path) => path.group === 'fields' && path.index === index) ?? null;
}

function textOf({ content }: RecordView, type: FieldOfKey): string | null {
  const value = content.fields.find((field) => isOfKey(field, type))?.value[0];
  return typeof value === 'string' && value !== '' ? value : null;
}

/** A field with a label of its own, such as a key's passphrase, is another one. */
function isOfKey(field: RecordField, type: string): boolean {
  return field.type === type && field.label === undefined;
}

/** The key that copies or opens that field; undefined for one without. */
export function keyOf(field: RecordField): string | undefined {
  return [...recordKeys].find(([, type]) => isOfKey(field, type))?.[0];
}

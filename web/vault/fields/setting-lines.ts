import type { Setting } from '../../../protocol/records/connection-protocols.ts';
import type { FieldValue } from '../../../protocol/records/content.ts';
import { memberOf } from '../../../protocol/records/withholding.ts';

export interface SettingLine {
  readonly title: string;
  readonly text: string;
  /** The record that the setting names, in place of the text. */
  readonly uid?: string;
}

/** What is set, in the order of the settings. A secret is not among them: it is looked at in the form. */
export function settingLines(value: FieldValue | null, settings: readonly Setting[]): readonly SettingLine[] {
  return settings
    .filter(({ secret }) => secret !== true)
    .flatMap(({ path, title, kind, options }): readonly SettingLine[] => {
      const held = memberOf(value ?? undefined, path);
      if (held === true) return [{ title, text: 'Yes' }];
      if ((typeof held !== 'string' && typeof held !== 'number') || held === '') return [];
      const text = String(held);
      if (kind === 'record') return [{ title, text: '', uid: text }];
      return [{ title, text: options?.find((option) => option.value === text)?.title ?? text }];
    });
}

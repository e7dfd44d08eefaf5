import type { CsvTarget } from '../../workers/api.ts';

/** What a person may choose for a column. */
export const columnChoices: readonly { readonly value: string; readonly label: string }[] = [
  { value: 'ignore', label: 'Leave out' },
  { value: 'title', label: 'Title' },
  { value: 'login', label: 'Login' },
  { value: 'password', label: 'Password' },
  { value: 'url', label: 'Website' },
  { value: 'oneTimeCode', label: 'One-time code' },
  { value: 'notes', label: 'Notes' },
  { value: 'folder', label: 'Folder' },
  { value: 'tags', label: 'Tags' },
  { value: 'favourite', label: 'Favourite' },
  { value: 'type', label: 'Record type' },
  { value: 'attributes', label: 'Lines of “name: value”' },
  { value: 'custom', label: 'A field of its own' },
  { value: 'custom-secret', label: 'A secret field of its own' },
];

export function choiceOf(target: CsvTarget): string {
  return target.kind === 'custom' && target.secret ? 'custom-secret' : target.kind;
}

/** `header` names the field when it gets one of its own. */
export function targetOf(choice: string, header: string): CsvTarget {
  if (choice === 'custom' || choice === 'custom-secret')
    return { kind: 'custom', label: header, secret: choice === 'custom-secret' };
  return { kind: choice } as CsvTarget;
}

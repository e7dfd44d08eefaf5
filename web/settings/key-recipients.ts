import type { KeyRotationPreview, KeyRotationRecipient } from '../../workers/api.ts';
import { pinLabels, rightsLabel } from '../sharing/sharing-text.ts';

/** One line of what a person has to look through before everything is sealed anew. */
export interface RecipientRow {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly members: readonly string[];
  /** How sure it is whose keys these are. */
  readonly keys: string;
  /** Their fingerprint. */
  readonly words: readonly string[];
  readonly blocked: boolean;
  readonly what: string;
}

export function recipientRows({ recipients }: KeyRotationPreview): RecipientRow[] {
  return recipients.map(rowOf);
}

function rowOf(recipient: KeyRotationRecipient): RecipientRow {
  const none = { members: [], words: [], blocked: false };
  switch (recipient.kind) {
    case 'person': {
      const { uid, email, keys, words, rights } = recipient;
      const what = [counted(recipient), rights.map(rightsLabel).join(', ')].join(': ');
      return {
        ...{ ...none, id: uid, name: email, kind: 'person', words, what },
        ...{ keys: pinLabels[keys], blocked: keys === 'changed' },
      };
    }
    case 'team': {
      const members = recipient.members.map(({ email, keys }) => `${email} (${pinLabels[keys]})`);
      const { uid, name } = recipient;
      return {
        ...{ ...none, id: uid, name: name || 'A team', kind: 'team', members },
        ...{ keys: 'as the organisation says', what: counted(recipient) },
      };
    }
    case 'folder': {
      const { uid, name, ownerEmail, records } = recipient;
      return {
        ...{ ...none, id: uid, name: name || 'A shared folder', kind: `shared folder of ${ownerEmail}` },
        ...{ keys: 'the folder’s, as before', what: `${plural(records, 'record')} that you put there` },
      };
    }
    case 'application': {
      const { uid, name, records } = recipient;
      return {
        ...{ ...none, id: uid, name: name || 'An application', kind: 'gateway' },
        ...{ keys: 'its own, as before', what: plural(records, 'record') },
      };
    }
    case 'recovery':
      return {
        ...{ ...none, id: 'recovery', name: 'Recovery by your organisation', kind: 'you are enrolled' },
        ...{ words: recipient.words, keys: 'compared when you enrolled', what: 'Everything' },
      };
  }
}

function counted({ records, folders }: { readonly records: number; readonly folders: number }): string {
  const parts = [
    ...(records > 0 ? [plural(records, 'record')] : []),
    ...(folders > 0 ? [plural(folders, 'shared folder')] : []),
  ];
  return parts.join(' and ');
}

function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

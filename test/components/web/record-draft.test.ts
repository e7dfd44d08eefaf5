import { describe, expect, test } from 'vitest';
import { templateOf, type RecordTemplate } from '../../../protocol/records/templates.ts';
import { newUid } from '../../../protocol/uid.ts';
import type { RecordView } from '../../../workers/api.ts';
import { hasProblems } from '../../../web/vault/draft-problems.ts';
import { RecordDraft } from '../../../web/vault/record-draft.svelte.ts';

const machine = templateOf('pamMachine') as RecordTemplate;
const user = templateOf('pamUser') as RecordTemplate;

function userView(): RecordView {
  return {
    uid: newUid(),
    revision: 7,
    changedAt: 0,
    connectionsAllowed: true,
    gatewayUid: null,
    ...{
      ownerUid: newUid(),
      access: 'owner',
      trashed: false,
      unconfirmed: false,
      folderUid: null,
      favourite: false,
      tags: [],
    },
    content: {
      type: 'pamUser',
      title: 'deploy',
      fields: [
        { type: 'login', value: ['deploy'] },
        { type: 'password', value: [] },
        { type: 'secret', label: 'privatePEMKey', value: [] },
        { type: 'secret', label: 'passphrase', value: [] },
      ],
    },
    withheld: [
      { group: 'fields', index: 1 },
      { group: 'fields', index: 2 },
    ],
  };
}

describe('secrets while a record is edited', () => {
  test('what is not touched stays withheld', () => {
    const draft = RecordDraft.edit(userView(), user);
    draft.setText('login', 'root');
    expect(draft.toSave().withheld).toHaveLength(2);
  });

  test('a typed password is no longer withheld, the key still is', () => {
    const draft = RecordDraft.edit(userView(), user);
    draft.setText('password', 'new one');
    expect(draft.isWithheld('password')).toBe(false);
    expect(draft.isWithheld('secret', 'privatePEMKey')).toBe(true);
    expect(draft.toSave().withheld).toEqual([
      { group: 'fields', index: 2, from: { group: 'fields', index: 2 } },
    ]);
  });

  test('clearing a secret removes it instead of keeping it', () => {
    const draft = RecordDraft.edit(userView(), user);
    draft.setText('password', 'x');
    draft.setText('password', '');
    expect(draft.isWithheld('password')).toBe(false);
    expect(draft.toSave().content.fields[1]?.value).toEqual([]);
  });

  test('looking at a secret is no change', () => {
    const draft = RecordDraft.edit(userView(), user);
    draft.takeRevealed('password', 'the old one');
    expect(draft.dirty).toBe(false);
    expect(draft.text('password')).toBe('the old one');
  });

  test('the two secret fields are told apart by their label', () => {
    const draft = RecordDraft.create(user);
    draft.setText('secret', 'pass', 'passphrase');
    expect(draft.text('secret', 'privatePEMKey')).toBe('');
    expect(draft.text('secret', 'passphrase')).toBe('pass');
  });
});

describe('a machine', () => {
  test('starts with the SSH port and needs title and host', () => {
    const draft = RecordDraft.create(machine);
    expect(draft.host.port).toBe('22');
    expect(hasProblems(draft.problems)).toBe(true);
    draft.title = 'web-01';
    draft.host = { hostName: '10.0.0.4', port: '22' };
    expect(hasProblems(draft.problems)).toBe(false);
  });

  test.each(['0', '65536', '22.5', 'ssh', '-1'])('refuses the port %s', (port) => {
    const draft = RecordDraft.create(machine);
    draft.host = { hostName: 'h', port };
    expect(draft.problems.port).not.toBeNull();
  });

  test('forgetting the host key keeps every other setting, unknown ones too', () => {
    const view: RecordView = {
      ...userView(),
      withheld: [],
      content: {
        type: 'pamMachine',
        title: 'web-01',
        fields: [
          {
            type: 'pamSettings',
            value: [{ later: 1, connection: { hostKey: 'ssh-ed25519 AAAA', fontSize: 16, newer: true } }],
          },
        ],
      },
    };
    const draft = RecordDraft.edit(view, machine);
    draft.setConnection({ hostKey: undefined });
    const saved = draft.toSave().content.fields[0]?.value[0] as { later: number; connection: object };
    expect(saved.later).toBe(1);
    expect(saved.connection).toMatchObject({ fontSize: 16, newer: true });
    expect(saved.connection).not.toHaveProperty('hostKey');
  });

  test('the gateway can be chosen and taken away again', () => {
    const draft = RecordDraft.create(machine);
    const uid = newUid();
    draft.setConfiguration(uid);
    expect(draft.settings.configurationUid).toBe(uid);
    draft.setConfiguration(undefined);
    expect(draft.settings.configurationUid).toBeUndefined();
  });

  test('saving names the revision that was edited', () => {
    expect(RecordDraft.edit(userView(), user).toSave().baseRevision).toBe(7);
    expect(RecordDraft.create(machine).toSave()).not.toHaveProperty('uid');
  });
});

test('a website that is not one is refused', () => {
  const draft = RecordDraft.create(templateOf('login') as RecordTemplate);
  draft.setText('url', 'javascript:alert(1)');
  expect(draft.problems.fields).toBe(true);
  draft.setText('url', 'https://example.org');
  expect(draft.problems.fields).toBe(false);
});

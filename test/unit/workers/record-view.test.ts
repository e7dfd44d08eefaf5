import { describe, expect, test } from 'vitest';
import type { RecordContent } from '../../../protocol/records/content.ts';
import { fieldText } from '../../../protocol/records/withholding.ts';
import { newUid, uidBytes } from '../../../protocol/uid.ts';
import {
  forGateway,
  sharesOnlyIn,
  wantedShares,
} from '../../../workers/engine/records/application-copies.ts';
import {
  describeRecord,
  subtitleOf,
  type RecordEntry,
} from '../../../workers/engine/records/record-entry.ts';
import { completeContent } from '../../../workers/engine/records/record-view.ts';
import { columnsOf } from '../../../workers/engine/search/list-columns.ts';
import { plain } from '../../../workers/engine/search/query.ts';
import { fitWords } from '../../../workers/engine/search/word-search.ts';
import { templateOf } from '../../../protocol/records/templates.ts';

const content: RecordContent = {
  type: 'pamUser',
  title: 'Root',
  notes: 'private notes',
  fields: [
    { type: 'login', value: ['root'] },
    { type: 'password', value: ['hunter2'] },
    { type: 'secret', label: 'privatePEMKey', value: ['PEM'] },
  ],
  custom: [{ type: 'secret', label: 'pin', value: ['1234'] }],
};

describe('withheld values', () => {
  const empty = content.fields.with(1, { type: 'password', value: [] });

  test('come back from the record, the others are what the person typed', () => {
    const edited = { ...content, title: 'New', fields: empty };
    const withheld = [{ group: 'fields', index: 1 }] as const;
    expect(completeContent({ content: edited, withheld }, content)).toEqual({ ...content, title: 'New' });
    expect(completeContent({ content: edited }, content).fields[1]?.value).toEqual([]);
  });

  test('never land in another field', () => {
    const moved = { ...content, fields: [{ type: 'text', value: [] }, ...content.fields.slice(1)] };
    for (const index of [0, 7]) {
      const withheld = [{ group: 'fields', index }] as const;
      expect(() => completeContent({ content: moved, withheld }, content)).toThrow('withheld');
    }
    const relabelled = content.fields.with(2, { type: 'secret', label: 'passphrase', value: [] });
    const withheld = [{ group: 'fields', index: 2 }] as const;
    expect(() =>
      completeContent({ content: { ...content, fields: relabelled }, withheld }, content),
    ).toThrow();
    expect(() => completeContent({ content, withheld: [{ group: 'fields', index: 0 }] }, null)).toThrow();
  });

  test('a single value is text, a missing one is not there', () => {
    expect(fieldText(content, { group: 'custom', index: 0 })).toBe('1234');
    expect(() => fieldText(content, { group: 'fields', index: 9 })).toThrow(
      expect.objectContaining({ name: 'not-found' }),
    );
  });
});

describe('what a gateway gets', () => {
  test('is what it needs to sign in, without title, notes and fields of a person’s own', () => {
    const seen = forGateway(content);
    expect(seen).toEqual({ type: 'pamUser', title: '', fields: content.fields });
    expect(JSON.stringify(seen)).not.toMatch(/private notes|1234|Root/);
    expect(forGateway({ ...content, type: 'bankCard' }).fields).toEqual([]);
  });

  test('a machine brings its credential, both leave with it, and a shared credential stays while one needs it', () => {
    const [application, configuration, user, first, second] = [
      newUid(),
      newUid(),
      newUid(),
      newUid(),
      newUid(),
    ];
    const pins = { applicationUid: application } as NonNullable<RecordEntry['pins']>;
    const entry = (uid: string, more: object) =>
      ({ uid, machine: null, pins: null, ...more }) as unknown as RecordEntry;
    const machine = { host: 'h', configurationUid: configuration, launchCredentialUid: user };
    const base = [entry(configuration, { pins }), entry(user, {})];
    const one = wantedShares([...base, entry(first, { machine })], () => true);
    const two = wantedShares([...base, entry(first, { machine }), entry(second, { machine })], () => true);
    const none = wantedShares(base, () => true);
    expect(one.get(application)).toEqual(new Set([configuration, first, user]));
    expect(sharesOnlyIn(two, one)).toEqual([{ applicationUid: application, recordUid: second }]);
    expect(new Set(sharesOnlyIn(one, none).map(({ recordUid }) => recordUid))).toEqual(
      new Set([first, user]),
    );
    expect(none.get(application)).toEqual(new Set([configuration]));
  });
});

describe('entries', () => {
  const row = {
    recordUid: uidBytes(newUid()),
    ownerUid: uidBytes(newUid()),
    changedAtMs: 5n,
    deleted: false,
  };
  const entry = describeRecord(row, content);

  test('hold no secret', () => {
    expect(JSON.stringify(entry)).not.toMatch(/hunter2|PEM|1234/);
    expect(entry).toMatchObject({ title: 'Root', login: 'root', changedAt: 5 });
    expect(subtitleOf(entry)).toBe('root');
  });

  test('match a word in any case, and the name of the type', () => {
    const columns = columnsOf([{ entry, card: null }]);
    const typeText = (type: string) => plain(`${type}\n${templateOf(type)?.title ?? ''}`);
    const found = ['root', 'user', 'hunter2', 'private', 'pin', '1234'].map(
      (word) =>
        fitWords(columns, Uint32Array.of(0), [word], { typeText, folderTitles: new Map() }).rows.length,
    );
    expect(found).toEqual([1, 1, 0, 1, 1, 0]);
  });

  test('are found by everything in them that is no secret, up to a bound', () => {
    const contact = {
      type: 'contact',
      title: 'Ada',
      notes: `met in Zürich\n${'x'.repeat(2_000)}`,
      fields: [
        { type: 'email', value: ['ada@example.org'] },
        { type: 'phone', value: [{ number: '+41 44' }] },
        { type: 'url', value: ['https://one.example', 'https://two.example'] },
        { type: 'fileRef', value: [{ name: 'contract.pdf', key: 'KEY' }] },
        { type: 'paymentCard', value: [{ cardNumber: '4111', cardSecurityCode: '9' }] },
        { type: 'pamSettings', value: [{ configurationUid: 'internal' }] },
      ],
      custom: [
        { type: 'text', label: 'Customer', value: ['ACME'] },
        { type: 'secret', label: 'Door', value: ['8642'] },
      ],
    };
    const { more } = describeRecord(row, contact);
    for (const word of [
      'ada@example.org',
      '+41 44',
      'two.example',
      'contract.pdf',
      'customer acme',
      'door',
      'zurich',
    ])
      expect(more).toContain(word);
    expect(more).not.toMatch(/one\.example|key|4111|8642|internal/i);
    expect(more.length).toBeLessThanOrEqual(400);
  });

  test('a machine with nonsense in its settings is listed, and not connectable', () => {
    const broken = { type: 'pamMachine', title: 'M', fields: [{ type: 'pamSettings', value: ['?'] }] };
    const { machine } = describeRecord(row, broken);
    expect(machine).toEqual({
      host: '',
      configurationUid: null,
      jumpMachineUid: null,
      launchCredentialUid: null,
      opensUnlinked: false,
    });
  });
});

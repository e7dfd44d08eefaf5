import { describe, expect, test } from 'vitest';
import type { RecordContent } from '../../../../protocol/records/content.ts';
import { newUid } from '../../../../protocol/uid.ts';
import { parseSecretJson, secretJsonOf } from '../../../../workers/engine/secrets/secret-json.ts';
import { takenContent, takenFrom } from '../../../../workers/engine/secrets/taken-content.ts';

const file = { fileUid: newUid(), name: 'key.pem', size: 3, mediaType: '', key: 'A'.repeat(43), chunks: 1 };
const recordUid = newUid();
const from = { recordUid, base: 4, write: 9, applicationUid: newUid() };
const noFiles = { removed: [], added: [] };

const machine: RecordContent = {
  type: 'pamMachine',
  title: 'Build host',
  notes: 'in the cellar',
  fields: [
    { type: 'trafficEncryptionSeed', value: ['c2VlZA=='] },
    { type: 'pamHostname', value: [{ hostName: '10.0.0.5', port: '22' }] },
    { type: 'pamSettings', value: [{ confirmation: 'word', connection: { hostKey: 'ssh-ed25519 AAAA' } }] },
    { type: 'fileRef', value: [file] },
    { type: 'somethingNew', value: ['of a later version'] },
  ],
  custom: [
    { type: 'secret', label: 'token', value: ['s3cret'] },
    { type: 'fromElsewhere', label: 'kept', value: ['yes'] },
  ],
};

describe('what goes out to applications', () => {
  test('nothing that is the vault’s own, and attachments by their uids alone', () => {
    const seen = secretJsonOf(machine);
    expect(seen.fields).toEqual([
      { type: 'pamHostname', value: [{ hostName: '10.0.0.5', port: '22' }] },
      { type: 'fileRef', value: [file.fileUid] },
    ]);
    expect(seen.custom).toEqual(machine.custom);
    expect(seen).toMatchObject({ type: 'pamMachine', title: 'Build host', notes: 'in the cellar' });
    const text = JSON.stringify(seen);
    for (const secret of ['c2VlZA==', 'word', 'ssh-ed25519', file.key, 'of a later version'])
      expect(text).not.toContain(secret);
  });

  test('members that are none of the format stay behind', () => {
    const content = takenContent(
      parseSecretJson(JSON.stringify(secretJsonOf(machine))),
      machine,
      noFiles,
      from,
    );
    expect(Object.keys(secretJsonOf(content)).sort()).toEqual(['custom', 'fields', 'notes', 'title', 'type']);
  });

  test('how a form of another client shows a field comes back as it was', () => {
    const form = { required: true, privacyScreen: true, complexity: { length: 20, caps: 2 } };
    const written = parseSecretJson(
      JSON.stringify({
        type: 'login',
        title: 'a',
        fields: [{ type: 'password', value: ['x'], ...form, other: 1 }],
      }),
    );
    expect(written.fields).toEqual([{ type: 'password', value: ['x'], ...form }]);
    expect(secretJsonOf(takenContent(written, null, noFiles, from)).fields).toEqual(written.fields);
  });
});

describe('what applications write', () => {
  test('absent and null are empty, as some clients write it', () => {
    const written = { type: 'login', title: 'a', notes: null, custom: null };
    expect(parseSecretJson(JSON.stringify(written))).toEqual({ type: 'login', title: 'a', fields: [] });
    const field = { type: 'text', label: null, value: null };
    expect(parseSecretJson(JSON.stringify({ ...written, fields: [field] })).fields).toEqual([
      { type: 'text', value: [] },
    ]);
  });

  test('fields that applications do not see are not theirs to write', () => {
    const fields = [
      { type: 'pamSettings', value: [{ connection: { hostKey: 'mine' } }] },
      { type: 'trafficEncryptionSeed', value: ['mine'] },
      { type: 'parentFolder', value: [newUid()] },
      { type: 'login', value: ['root'] },
    ];
    const written = parseSecretJson(JSON.stringify({ type: 'pamMachine', title: 'a', fields }));
    expect(written.fields).toEqual([{ type: 'login', value: ['root'] }]);
    const taken = takenContent(written, machine, noFiles, from);
    expect(taken.fields.find(({ type }) => type === 'pamSettings')).toEqual(machine.fields[2]);
    expect(taken.fields[0]).toEqual(machine.fields[0]);
  });

  test.each([
    ['no object', '[]', 'malformed'],
    ['no json', '{', 'malformed'],
    ['no title', '{"type":"login"}', 'malformed'],
    ['a type that is none', '{"type":7,"title":"a"}', 'malformed'],
    ['fields that are no list', '{"type":"login","title":"a","fields":{}}', 'malformed'],
    ['a field that is none', '{"type":"login","title":"a","fields":["b"]}', 'malformed'],
    [
      'a value that is a list',
      '{"type":"login","title":"a","fields":[{"type":"text","value":[[1]]}]}',
      'malformed',
    ],
    ['half a character', '{"type":"login","title":"\\ud800"}', 'malformed'],
    ['a long text', JSON.stringify({ type: 'login', title: 'a'.repeat(70_000) }), 'too-large'],
    ['a long record', JSON.stringify({ type: 'a', title: 'a', x: 'a'.repeat(300_000) }), 'too-large'],
    [
      'many fields',
      JSON.stringify({ type: 'a', title: 'a', fields: Array(1_001).fill({ type: 'text' }) }),
      'too-large',
    ],
    [
      'deep nesting',
      `{"type":"a","title":"a","fields":[{"type":"host","value":[${'{"a":'.repeat(50)}1${'}'.repeat(50)}]}]}`,
      'malformed',
    ],
  ])('%s is refused', (_name, text, code) => {
    expect(() => parseSecretJson(text)).toThrow(expect.objectContaining({ code }));
  });

  test('no application makes a record of an internal type', () => {
    for (const type of ['app', 'secretsApplication', 'contactPin', 'revocations', 'pamNetworkConfiguration'])
      expect(() => takenContent({ type, title: 'a', fields: [] }, null, noFiles, from)).toThrow(
        expect.objectContaining({ code: 'not-allowed' }),
      );
  });
});

describe('the revision that comes of it', () => {
  const written = { type: 'login', title: 'a', fields: [{ type: 'fileRef', value: [newUid(), 'x'] }] };
  const filesIn = (content: RecordContent) => content.fields.find(({ type }) => type === 'fileRef')?.value;

  test('attachments are what the record knows, whatever the field says', () => {
    expect(filesIn(takenContent(written, machine, noFiles, from))).toEqual([file]);
    expect(filesIn(takenContent(written, null, noFiles, from))).toEqual([]);
    const other = { ...file, fileUid: newUid() };
    const changes = { removed: [file.fileUid], added: [other] };
    expect(filesIn(takenContent(written, machine, changes, from))).toEqual([other]);
  });

  test('it says of which write it is, for this record alone', () => {
    const content = takenContent(written, machine, noFiles, from);
    expect(takenFrom(content, recordUid)).toEqual(from);
    expect(takenFrom(content, newUid())).toBeNull();
    expect(takenFrom(machine, recordUid)).toBeNull();
  });

  test('a machine has its seed, made here', () => {
    const fields = takenContent({ type: 'pamMachine', title: 'a', fields: [] }, null, noFiles, from).fields;
    expect(fields.find(({ type }) => type === 'trafficEncryptionSeed')?.value[0]).toMatch(/^[\w+/]{43}=$/);
  });
});

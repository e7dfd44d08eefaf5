import { expect, test } from 'vitest';
import type { FieldValue } from '../../../protocol/records/content.ts';
import { newUid, type Uid } from '../../../protocol/uid.ts';
import type { RecordView } from '../../../workers/api.ts';
import { connectionChanges } from '../../../web/vault/connection-changes.ts';

const [files, others, unknown] = [newUid(), newUid(), newUid()];
const titles = new Map<string, string>([
  [files, 'File host'],
  [others, 'Other host'],
]);

function machine(connection: Record<string, FieldValue>, configurationUid: Uid = files): RecordView {
  const settings = { configurationUid, connection: { protocol: 'rdp', ...connection } };
  const fields = [
    { type: 'pamHostname', value: [{ hostName: 'win.example.org', port: '3389' }] },
    { type: 'pamSettings', value: [settings] },
  ];
  return { content: { type: 'pamMachine', title: 'win', fields } } as unknown as RecordView;
}

const changes = (before: RecordView | null, after: RecordView, titleOf = (uid: string) => titles.get(uid)) =>
  connectionChanges(before, after, (uid) => titleOf(uid) ?? null);

const sftp = (sftpResourceUid: string) => ({ sftp: { enableSftp: true, sftpResourceUid } });

test('a record that a setting names is said by its title, or by its UID', () => {
  expect(changes(machine(sftp(files)), machine(sftp(others)))).toEqual([
    { title: 'Machine of the files', before: 'File host', after: 'Other host' },
  ]);
  expect(changes(machine(sftp(files)), machine(sftp(unknown)))).toEqual([
    { title: 'Machine of the files', before: 'File host', after: `record ${unknown}` },
  ]);
});

test('two records never have one text, whatever they are called', () => {
  const same = () => 'root';
  expect(changes(machine(sftp(files)), machine(sftp(others)), same)).toEqual([
    { title: 'Machine of the files', before: `root (${files})`, after: `root (${others})` },
  ]);
  const [credential, ...rest] = changes(
    machine({ launchCredentialUid: files }),
    machine({ launchCredentialUid: others }),
    same,
  );
  expect(credential).toEqual({
    ...{ title: 'Launch credential', before: `root (${files})`, after: `root (${others})` },
  });
  expect(rest).toEqual([]);
  const posing = (uid: string) => (uid === others ? `record ${unknown}` : undefined);
  const [gateway] = changes(machine({}, unknown), machine({}, others), posing);
  expect(gateway?.before).not.toBe(gateway?.after);
});

test('no setting hides in the text of another, and one that was taken away is said', () => {
  const before = machine({ sftp: { sftpRootDirectory: '/srv', sftpUserUid: files } });
  const after = machine({ sftp: { sftpRootDirectory: '/srv, User for the files: File host' } });
  expect(changes(before, after)).toEqual([
    { title: 'Folder of the files', before: '/srv', after: '/srv, User for the files: File host' },
    { title: 'User for the files', before: 'File host', after: 'not set' },
  ]);
});

test('against nothing, all of it is said', () => {
  const all = changes(null, machine({ ignoreCert: true, ...sftp(files) }));
  expect(all.every(({ before }) => before === '')).toBe(true);
  expect(all).toContainEqual({ title: 'Gateway', before: '', after: 'File host' });
  expect(all).toContainEqual({ title: 'Ignore the certificate', before: '', after: 'Yes' });
  expect(all).toContainEqual({ title: 'Machine of the files', before: '', after: 'File host' });
});

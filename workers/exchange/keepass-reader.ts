import type { KdbxEntry, KdbxGroup, KdbxUuid } from 'kdbxweb';
import { copy, type Bytes } from '../../protocol/bytes.ts';
import { VaultDraft, type FolderPath, type ImportedVault } from './imported.ts';
import { openKdbx } from './keepass-file.ts';
import { kdbx } from './keepass-library.ts';
import { KeepassReferences, textOf } from './keepass-references.ts';
import { timedCode } from './one-time-code.ts';
import { RecordDraft } from './record-draft.ts';

/**
 * A KeePass KDBX 4 file with its password: groups become folders, strings fields, files attachments; a reference
 * becomes what it points at. History, icons,
 * auto-type and the recycle bin stay behind and are reported. Key files and hardware keys are not supported. Throws as
 * `openKdbx` does.
 */
export async function readKeepass(bytes: Bytes, password: string): Promise<ImportedVault> {
  const database = await openKdbx(bytes, password);
  const vault = new VaultDraft('KeePass KDBX');
  const references = new KeepassReferences(database);
  const bin = database.meta.recycleBinEnabled === false ? undefined : database.meta.recycleBinUuid;
  // The outermost group is the file itself.
  for (const root of database.groups) {
    for (const entry of root.entries) readEntry(vault, entry, [], references);
    for (const group of root.groups) readGroup(vault, group, [], { bin, references });
  }
  return vault.finish();
}

interface Around {
  readonly bin: KdbxUuid | undefined;
  readonly references: KeepassReferences;
}

function readGroup(vault: VaultDraft, group: KdbxGroup, outer: FolderPath, around: Around): void {
  const { bin, references } = around;
  if (bin !== undefined && group.uuid.equals(bin)) {
    const inside = countEntries(group);
    if (inside > 0) vault.leave(`${inside} entries`, 'they were in the recycle bin');
    return;
  }
  const path = vault.folder([...outer, group.name ?? 'Group']);
  for (const entry of group.entries) readEntry(vault, entry, path, references);
  for (const inner of group.groups) readGroup(vault, inner, path, around);
}

function countEntries(group: KdbxGroup): number {
  return group.groups.reduce((sum, inner) => sum + countEntries(inner), group.entries.length);
}

const standard: ReadonlySet<string> = new Set(['Title', 'UserName', 'Password', 'URL', 'Notes']);

function readEntry(
  vault: VaultDraft,
  entry: KdbxEntry,
  folder: FolderPath,
  references: KeepassReferences,
): void {
  const text = (name: string) => references.resolved(textOf(entry.fields.get(name) ?? ''));
  const isNote = ['UserName', 'Password', 'URL'].every((name) => text(name) === '') && text('Notes') !== '';
  const record = new RecordDraft(vault, isNote ? 'encryptedNotes' : 'login', text('Title'));
  record.folder = folder;
  record.tags = entry.tags;
  record.put('login', text('UserName'));
  record.put('password', text('Password'));
  record.put('url', text('URL'));
  record.note(text('Notes'));
  const codes = readOneTimeCodes(record, entry);
  for (const [name, value] of entry.fields)
    if (!standard.has(name) && !codes.has(name)) record.text(name, text(name), typeof value !== 'string');
  if ([...entry.fields.keys()].some((name) => references.remainIn(text(name))))
    record.leave('a reference', 'what it points at is not in the file; its text was kept');
  for (const [name, binary] of entry.binaries) {
    const value = kdbx.KdbxBinaries.isKdbxBinaryWithHash(binary) ? binary.value : binary;
    record.attach({ name, mediaType: 'application/octet-stream', bytes: bytesOf(value) });
  }
  if (entry.times.expires === true && entry.times.expiryTime)
    record.put('expirationDate', entry.times.expiryTime.getTime() || '');
  if (entry.history.length > 0) record.leave('the history', 'only the present state is taken');
  if (entry.autoType.items.length > 0) record.leave('auto-type', 'there is nothing like it here');
  record.add();
}

/** The names that the programs around this format use for one-time codes; what was read is not a custom field too. */
function readOneTimeCodes(record: RecordDraft, entry: KdbxEntry): ReadonlySet<string> {
  const used = new Set<string>();
  const take = (name: string) => {
    const value = entry.fields.get(name);
    if (value !== undefined) used.add(name);
    return value === undefined ? '' : textOf(value);
  };
  record.oneTimeCode(uriOfKeeOtp(take('otp'), record.title));
  const seed = take('TOTP Seed');
  const [period = '30', digits = '6'] = take('TOTP Settings').split(';');
  putCode(record, seed, { digits, period, algorithm: 'SHA1' });
  const secret = take('TimeOtp-Secret-Base32');
  putCode(record, secret, {
    digits: take('TimeOtp-Length') || '6',
    period: take('TimeOtp-Period') || '30',
    algorithm: take('TimeOtp-Algorithm') || 'SHA1',
  });
  return used;
}

interface CodeSettings {
  readonly digits: string;
  readonly period: string;
  readonly algorithm: string;
}

function putCode(record: RecordDraft, secret: string, { digits, period, algorithm }: CodeSettings): void {
  if (secret === '') return;
  const settings = { digits: Number(digits), period: Number(period), algorithm };
  record.oneTimeCode(
    timedCode({ secret, title: record.title, ...settings }) ?? `${secret} (${digits}; ${period})`,
  );
}

/** "key=…&size=…&step=…", as one plugin writes it, as a URI; everything else as it is. */
function uriOfKeeOtp(text: string, title: string): string {
  if (!/(^|&)key=/i.test(text) || text.startsWith('otpauth:')) return text;
  const given = new URLSearchParams(text);
  const secret = given.get('key') ?? '';
  const digits = Number(given.get('size') ?? 6);
  const period = Number(given.get('step') ?? 30);
  return timedCode({ secret, title, digits, period, algorithm: given.get('otpHashMode') ?? 'SHA1' }) ?? text;
}

function bytesOf(value: ArrayBuffer | InstanceType<typeof kdbx.ProtectedValue>): Bytes {
  return copy(value instanceof ArrayBuffer ? new Uint8Array(value) : value.getBinary());
}

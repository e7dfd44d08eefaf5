import type { Bytes } from '../../protocol/bytes.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import type { LinkRole } from '../../protocol/records/links.ts';
import { templateOf } from '../../protocol/records/templates.ts';
import { exchangeBounds } from './bounds.ts';
import { VaultDraft, type FolderPath, type ImportedVault } from './imported.ts';
import { listIn, malformed, objectIn, optionalObject, parseJsonBytes, textIn } from './json-values.ts';
import { readKeeperField } from './keeper-fields.ts';
import { RecordDraft } from './record-draft.ts';
import { openZip, type ZipArchive } from './zip-archive.ts';

/**
 * Keeper's JSON export: the file itself, or the zip with `export.json` and `files/` that it makes with attachments.
 * Folders within a shared folder are below its path; a record in several folders goes to the first. Who may see a
 * shared folder is not taken. Throws `malformed` naming the record.
 */
export async function readKeeper(bytes: Bytes, zipped: boolean): Promise<ImportedVault> {
  const archive = zipped ? await openZip(bytes) : null;
  const json = archive === null ? bytes : await archive.read('export.json', exchangeBounds.textBytes);
  if (json === null) throw malformed('the archive has no export.json');
  const parsed = parseJsonBytes(json, 'the file');
  const file = Array.isArray(parsed) ? { records: parsed } : objectIn(parsed, 'the file');
  const vault = new VaultDraft('Keeper JSON');
  readSharedFolders(vault, file);
  if (listIn(file['teams'], 'teams').length > 0) vault.leave('teams', 'people are invited, not imported');
  const records = listIn(file['records'], 'records').map((value, at) => objectIn(value, `record ${at + 1}`));
  const indexes = new Map<string, number>();
  const added: [JsonObject, number][] = [];
  for (const [at, item] of records.entries()) {
    const index = await readRecord(vault, item, `record ${at + 1}`, archive);
    if (index === null) continue;
    added.push([item, index]);
    const uid = textIn(item['uid'], `record ${at + 1}: uid`);
    if (uid !== '') indexes.set(uid, index);
  }
  for (const [item, index] of added) readLinks(vault, item, index, indexes);
  return vault.finish();
}

function readSharedFolders(vault: VaultDraft, file: JsonObject): void {
  for (const value of listIn(file['shared_folders'], 'shared_folders', exchangeBounds.folders)) {
    const folder = objectIn(value, 'shared folder');
    const path = vault.folder(keeperPath(textIn(folder['path'], 'shared folder: path')));
    if (listIn(folder['permissions'], 'permissions').length > 0)
      vault.leave(`the members of folder "${path.join(' / ')}"`, 'people are invited, not imported');
  }
}

/** A backslash divides names there; two of them are one in a name. */
function keeperPath(text: string): FolderPath {
  return text
    .replaceAll('\\\\', '\0')
    .split('\\')
    .map((name) => name.replaceAll('\0', '\\'))
    .filter((name) => name.trim() !== '');
}

async function readRecord(
  vault: VaultDraft,
  item: JsonObject,
  where: string,
  archive: ZipArchive | null,
): Promise<number | null> {
  const text = (member: string) => textIn(item[member], `${where}: ${member}`);
  const named = text('$type') || 'login';
  const known = templateOf(named)?.internal === undefined && templateOf(named) !== null;
  const record = new RecordDraft(vault, known ? named : 'login', text('title'));
  if (!known) record.text('Kind', named);
  record.put('login', text('login'));
  record.put('password', text('password'));
  record.put('url', text('login_url'));
  record.note(text('notes'));
  const folders = listIn(item['folders'], `${where}: folders`, 1000).map((value) =>
    folderOf(objectIn(value, `${where}: folder`), where),
  );
  record.folder = folders[0] ?? [];
  if (folders.length > 1) record.leave('a further folder', 'a record is in one folder');
  const custom = optionalObject(item['custom_fields'], `${where}: custom_fields`);
  for (const [name, value] of Object.entries(custom)) readKeeperField(record, name, value, where);
  for (const value of listIn(item['attachments'], `${where}: attachments`, 10_000))
    await attach(record, objectIn(value, `${where}: attachment`), where, archive);
  return record.add();
}

function folderOf(folder: JsonObject, where: string): FolderPath {
  const [shared, own] = ['shared_folder', 'folder'].map((member) =>
    textIn(folder[member], `${where}: ${member}`),
  );
  return [...keeperPath(shared ?? ''), ...keeperPath(own ?? '')];
}

async function attach(
  record: RecordDraft,
  file: JsonObject,
  where: string,
  archive: ZipArchive | null,
): Promise<void> {
  const uid = textIn(file['file_uid'], `${where}: file_uid`);
  const bytes = archive === null || uid === '' ? null : await archive.read(`files/${uid}`);
  if (bytes === null) return record.leave('a file', 'the export does not hold it');
  const [name, mediaType] = ['name', 'mime'].map((member) => textIn(file[member], `${where}: ${member}`));
  record.attach({ name: name ?? '', mediaType: mediaType ?? '', bytes });
}

/** A machine's settings and the references name other records by UID; they are links when those records are here. */
function readLinks(
  vault: VaultDraft,
  item: JsonObject,
  from: number,
  indexes: ReadonlyMap<string, number>,
): void {
  const roles = new Map<number, LinkRole>();
  for (const [role, uid] of namedUids(item)) {
    const to = indexes.get(uid);
    if (to === undefined)
      vault.leave(
        `a link of "${textIn(item['title'], 'title').slice(0, 200)}"`,
        'the other record is not in the file',
      );
    else if (to !== from && (!roles.has(to) || role === 'launch')) roles.set(to, role);
  }
  for (const [to, role] of roles) vault.link(from, { role, to });
}

function namedUids(item: JsonObject): readonly (readonly [LinkRole, string])[] {
  const found: [LinkRole, string][] = [];
  const add = (role: LinkRole, value: unknown) => {
    for (const uid of Array.isArray(value) ? value : [value])
      if (typeof uid === 'string' && uid !== '') found.push([role, uid]);
  };
  const custom = isObject(item['custom_fields']) ? item['custom_fields'] : {};
  for (const [name, value] of Object.entries(custom)) {
    const settings = /^\$pam(RemoteBrowser)?Settings(:|$)/.test(name)
      ? Array.isArray(value)
        ? value[0]
        : value
      : null;
    const connection = isObject(settings) && isObject(settings['connection']) ? settings['connection'] : {};
    add(
      'launch',
      connection['launchCredentials'] ??
        connection['launchCredentialUid'] ??
        connection['httpCredentialsUid'],
    );
    add('administrative', connection['administrativeCredentials']);
    add('user', connection['userRecords']);
  }
  for (const [name, value] of Object.entries(isObject(item['references']) ? item['references'] : {}))
    if (!/fileRef/.test(name)) add('user', value);
  add('user', item['links']);
  return found.slice(0, exchangeBounds.fieldsPerRecord);
}

import { exchangeBounds } from './bounds.ts';
import { VaultDraft, type FolderPath, type ImportedVault } from './imported.ts';
import { listIn, malformed, objectIn, optionalObject, parseJsonBytes, textIn } from './json-values.ts';
import { categoryOf, readSections } from './onepassword-fields.ts';
import { RecordDraft } from './record-draft.ts';
import { openZip, type ZipArchive } from './zip-archive.ts';
import type { Bytes } from '../../protocol/bytes.ts';
import { type JsonObject } from '../../protocol/json.ts';

/**
 * 1Password's 1PUX: a zip with `export.data` (JSON) and `files/`. Vaults become folders, with the account before them
 * when there are several. Archived items are taken and tagged. Throws `malformed` naming the place.
 */
export async function readOnePassword(bytes: Bytes): Promise<ImportedVault> {
  const archive = await openZip(bytes);
  const data = await archive.read('export.data', exchangeBounds.textBytes);
  if (data === null) throw malformed('the archive has no export.data');
  const vault = new VaultDraft('1Password 1PUX');
  const accounts = listIn(
    objectIn(parseJsonBytes(data, 'export.data'), 'export.data')['accounts'],
    'accounts',
    1000,
  );
  for (const [at, value] of accounts.entries()) {
    const account = objectIn(value, `account ${at + 1}`);
    const name = textIn(optionalObject(account['attrs'], 'attrs')['accountName'], 'accountName');
    await readVaults(vault, account, accounts.length > 1 ? [name || `Account ${at + 1}`] : [], archive);
  }
  return vault.finish();
}

async function readVaults(
  vault: VaultDraft,
  account: JsonObject,
  path: FolderPath,
  archive: ZipArchive,
): Promise<void> {
  for (const [at, value] of listIn(account['vaults'], 'vaults', exchangeBounds.folders).entries()) {
    const where = `vault ${at + 1}`;
    const held = objectIn(value, where);
    const name = textIn(optionalObject(held['attrs'], where)['name'], `${where}: name`) || `Vault ${at + 1}`;
    const folder = vault.folder([...path, name]);
    for (const [number, item] of listIn(held['items'], `${where}: items`).entries())
      await readItem(
        vault,
        objectIn(item, `${where}, item ${number + 1}`),
        `${where}, item ${number + 1}`,
        folder,
        archive,
      );
  }
}

async function readItem(
  vault: VaultDraft,
  outer: JsonObject,
  where: string,
  folder: FolderPath,
  archive: ZipArchive,
): Promise<void> {
  const item = optionalObject(outer['item'] ?? outer, where);
  const overview = optionalObject(item['overview'], `${where}: overview`);
  const details = optionalObject(item['details'], `${where}: details`);
  const category = categoryOf(textIn(item['categoryUuid'], `${where}: categoryUuid`));
  const record = new RecordDraft(vault, category.type, textIn(overview['title'], `${where}: title`));
  record.folder = folder;
  record.favourite = Number(textIn(item['favIndex'], `${where}: favIndex`)) > 0;
  const tags = listIn(overview['tags'], `${where}: tags`, 10_000).map((tag) => textIn(tag, `${where}: tag`));
  record.tags = item['state'] === 'archived' ? [...tags, 'archived'] : tags;
  readLogin(record, overview, details, where);
  record.note(textIn(details['notesPlain'], `${where}: notesPlain`));
  const files = [...readSections(record, details, category, where), ...documentOf(details, where)];
  for (const file of files) await attach(record, file, archive);
  if (listIn(details['passwordHistory'], `${where}: passwordHistory`).length > 0)
    record.leave('the password history', 'only the present state is taken');
  record.add();
}

function readLogin(record: RecordDraft, overview: JsonObject, details: JsonObject, where: string): void {
  for (const value of listIn(details['loginFields'], `${where}: loginFields`, 5000)) {
    const field = objectIn(value, `${where}: loginField`);
    const text = textIn(field['value'], `${where}: loginField`);
    const label =
      textIn(field['name'], `${where}: loginField`) || textIn(field['id'], `${where}: loginField`);
    if (field['designation'] === 'username') record.put('login', text);
    else if (field['designation'] === 'password') record.put('password', text);
    else record.text(label || 'Field', text, field['fieldType'] === 'P');
  }
  record.put('password', textIn(details['password'], `${where}: password`));
  const listed = listIn(overview['urls'], `${where}: urls`, 5000).map((value) =>
    textIn(objectIn(value, `${where}: url`)['url'], `${where}: url`),
  );
  for (const url of new Set([textIn(overview['url'], `${where}: url`), ...listed])) record.put('url', url);
}

export interface NamedDocument {
  readonly id: string;
  readonly name: string;
}

function documentOf(details: JsonObject, where: string): readonly NamedDocument[] {
  const attributes = optionalObject(details['documentAttributes'], `${where}: documentAttributes`);
  const id = textIn(attributes['documentId'], `${where}: documentId`);
  return id === '' ? [] : [{ id, name: textIn(attributes['fileName'], `${where}: fileName`) }];
}

async function attach(record: RecordDraft, file: NamedDocument, archive: ZipArchive): Promise<void> {
  const name = archive.names.find(
    (path) => path.startsWith(`files/${file.id}_`) || path === `files/${file.id}`,
  );
  const bytes = name === undefined ? null : await archive.read(name);
  if (bytes === null) record.leave('a file', 'the archive does not hold it');
  else record.attach({ name: file.name, mediaType: 'application/octet-stream', bytes });
}

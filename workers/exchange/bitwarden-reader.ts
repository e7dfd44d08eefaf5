import { type JsonObject } from '../../protocol/json.ts';
import { readBitwardenItem } from './bitwarden-items.ts';
import { openBitwardenExport } from './bitwarden-sealed.ts';
import { exchangeBounds } from './bounds.ts';
import { pathOf } from './field-parts.ts';
import { VaultDraft, type FolderPath, type ImportedVault } from './imported.ts';
import { listIn, malformed, objectIn, parseJsonBytes, textIn } from './json-values.ts';

/**
 * Bitwarden's JSON export: plain, or encrypted with a password of its own. One that is encrypted with the account's
 * key is refused: only that account can open it. Throws `malformed`, `wrong-password`, `weak-parameters`.
 */
export async function readBitwarden(bytes: Uint8Array, password?: string): Promise<ImportedVault> {
  const file = objectIn(parseJsonBytes(bytes, 'the file'), 'the file');
  if (file['encrypted'] !== true) return readPlain(file);
  if (file['passwordProtected'] !== true)
    throw malformed(
      'this export is encrypted for the bitwarden account alone; export again as json, or with a file password',
    );
  const opened = await openBitwardenExport(file, password ?? '');
  return readPlain(objectIn(parseJsonBytes(opened, 'the encrypted part'), 'the encrypted part'));
}

function readPlain(file: JsonObject): ImportedVault {
  const vault = new VaultDraft('Bitwarden JSON');
  const folders = new Map([...foldersOf(file, 'folders'), ...foldersOf(file, 'collections')]);
  for (const path of folders.values()) vault.folder(path);
  if (file['items'] === undefined) throw malformed('the file has no items');
  listIn(file['items'], 'items').forEach((value, at) => {
    const where = `item ${at + 1}`;
    const item = objectIn(value, where);
    const collections = listIn(item['collectionIds'], `${where}: collectionIds`);
    const ids = [item['folderId'], ...collections].filter((id) => typeof id === 'string' && folders.has(id));
    if (item['deletedDate']) return vault.leave(where, 'it was in the trash');
    const record = readBitwardenItem(vault, item, where);
    if (item['archivedDate']) record.tags = ['archived'];
    record.folder = folders.get(String(ids[0])) ?? [];
    if (ids.length > 1) record.leave('a further folder or collection', 'a record is in one folder');
    record.add();
  });
  return vault.finish();
}

/** Paths by id. A slash in a name is how folders are nested there. */
function foldersOf(file: JsonObject, member: string): readonly (readonly [string, FolderPath])[] {
  return listIn(file[member], member, exchangeBounds.folders).map((value, at) => {
    const folder = objectIn(value, `${member} ${at + 1}`);
    const name = textIn(folder['name'], `${member} ${at + 1}: name`);
    return [textIn(folder['id'], `${member} ${at + 1}: id`), pathOf(name, '/')] as const;
  });
}

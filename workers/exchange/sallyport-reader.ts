import type { Bytes } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { exchangeBounds } from './bounds.ts';
import type { ImportedVault } from './imported.ts';
import { listIn, malformed, objectIn, parseJsonBytes } from './json-values.ts';
import { parsePortable } from './portable-record.ts';
import { RestoredVault } from './restored-vault.ts';
import { openZip, type ZipArchive } from './zip-archive.ts';
import { zipVaultName } from './zip-writer.ts';

/** Reads our export in clear: the JSON alone, or the zip with attachments. Throws `malformed`, `unsupported-version`. */
export async function readSallyport(bytes: Bytes, zipped: boolean): Promise<ImportedVault> {
  const archive = zipped ? await openZip(bytes) : null;
  const json = archive === null ? bytes : await archive.read(zipVaultName, exchangeBounds.textBytes);
  if (json === null) throw malformed(`the archive has no ${zipVaultName}`);
  const file = objectIn(parseJsonBytes(json, 'the export'), 'the export');
  if (file['format'] !== 'sallyport') throw malformed('the file is no export of a vault like this');
  if (file['version'] !== 1)
    throw new ProtocolError('unsupported-version', 'the export is of another version');
  const vault = new RestoredVault(zipped ? 'Sallyport, zip' : 'Sallyport JSON');
  vault.takeHead(file);
  for (const [at, value] of listIn(file['records'], 'records').entries()) {
    const record = parsePortable(value, `record ${at + 1}`);
    const files: (Bytes | null)[] = [];
    for (const { path, size } of record.attachments) files.push(await fileOf(archive, path, size));
    vault.take(record, files);
  }
  return vault.finish();
}

async function fileOf(
  archive: ZipArchive | null,
  path: string | undefined,
  size: number,
): Promise<Bytes | null> {
  return archive === null || path === undefined ? null : await archive.read(path, size);
}

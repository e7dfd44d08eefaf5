import { parseUtf8, type Bytes } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import { exchangeBounds } from './bounds.ts';
import type { CsvMapping } from './csv-mapping.ts';
import type { ImportedVault } from './imported.ts';
import { malformed, parseJsonBytes } from './json-values.ts';

/** What can be read, in the order in which a person is offered it. */
export const importFormats = [
  'sallyport',
  'bitwarden',
  'onepassword',
  'keepass',
  'lastpass',
  'keeper',
  'guacamole-mapping',
  'guacamole-database',
  'csv',
] as const;
export type ImportFormat = (typeof importFormats)[number];

export interface DetectedFormat {
  readonly format: ImportFormat;
  /** The file has a password of its own. */
  readonly needsPassword: boolean;
}

export interface ReadOptions {
  readonly password?: string;
  /** For CSV: where the columns go; without one, as `sniffCsv` suggests. */
  readonly mapping?: CsvMapping;
}

/**
 * Reads a file of that format. Throws `malformed` with what is wrong and where, `wrong-password` also when one is needed
 * and none is given, `too-large` for a file over `exchangeBounds.fileBytes`, and what the reader of the format says.
 * Readers are loaded when they are asked for: most people import once, if ever.
 */
export async function readVault(
  format: ImportFormat,
  bytes: Bytes,
  options: ReadOptions = {},
): Promise<ImportedVault> {
  requireSize(bytes);
  const { password, mapping } = options;
  switch (format) {
    case 'csv':
    case 'lastpass':
      return (await import('./csv-reader.ts')).readCsv(bytes, mapping);
    case 'bitwarden':
      return await (await import('./bitwarden-reader.ts')).readBitwarden(bytes, password);
    case 'onepassword':
      return await (await import('./onepassword-reader.ts')).readOnePassword(bytes);
    case 'keepass':
      return await (await import('./keepass-reader.ts')).readKeepass(bytes, requirePassword(password));
    case 'keeper':
      return await (await import('./keeper-reader.ts')).readKeeper(bytes, isZip(bytes));
    case 'guacamole-mapping':
      return (await import('./guacamole-reader.ts')).readUserMapping(bytes);
    case 'guacamole-database':
      return (await import('./guacamole-reader.ts')).readGuacamoleDatabase(bytes);
    case 'sallyport':
      return isSealed(bytes)
        ? await (await import('./sealed-reader.ts')).readSealed(bytes, requirePassword(password))
        : await (await import('./sallyport-reader.ts')).readSallyport(bytes, isZip(bytes));
    default:
      throw malformed('the format is not known');
  }
}

/** What a file is, by its content, and by its name where that says nothing. Null for what we cannot read. */
export async function detectFormat(name: string, bytes: Bytes): Promise<DetectedFormat | null> {
  requireSize(bytes);
  if (isKeepass(bytes)) return { format: 'keepass', needsPassword: true };
  if (isSealed(bytes)) return { format: 'sallyport', needsPassword: true };
  try {
    if (isZip(bytes)) return plain(await archiveFormat(bytes));
    const start = startOf(bytes);
    if (/^\s*[[{]/.test(start)) return jsonFormat(bytes);
    if (/^\s*<[^]*<user-mapping|^\s*<user-mapping/.test(start)) return plain('guacamole-mapping');
    if (/guacamole_connection|parameter_name.*parameter_value/.test(start) || isGuacamoleDump(name, bytes))
      return plain('guacamole-database');
    return plain(await tableFormat(name, bytes));
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}

function plain(format: ImportFormat | null): DetectedFormat | null {
  return format === null ? null : { format, needsPassword: false };
}

async function archiveFormat(bytes: Bytes): Promise<ImportFormat | null> {
  const { names } = await (await import('./zip-archive.ts')).openZip(bytes);
  if (names.includes('export.data')) return 'onepassword';
  if (names.includes('vault.json')) return 'sallyport';
  return names.includes('export.json') ? 'keeper' : null;
}

function jsonFormat(bytes: Bytes): DetectedFormat | null {
  const file = parseJsonBytes(bytes, 'the file');
  if (Array.isArray(file)) return plain(isObject(file[0]) && 'title' in file[0] ? 'keeper' : null);
  if (!isObject(file)) return null;
  if (file['format'] === 'sallyport') return plain('sallyport');
  if (isBitwarden(file)) return { format: 'bitwarden', needsPassword: file['passwordProtected'] === true };
  return plain('records' in file || 'shared_folders' in file ? 'keeper' : null);
}

function isBitwarden(file: JsonObject): boolean {
  return 'encrypted' in file || 'encKeyValidation_DO_NOT_EDIT' in file || Array.isArray(file['items']);
}

async function tableFormat(name: string, bytes: Bytes): Promise<ImportFormat | null> {
  const { headers, mapping } = (await import('./csv-reader.ts')).sniffCsv(bytes);
  if (mapping.flavour === 'lastpass') return 'lastpass';
  return headers.length > 1 || /\.(csv|tsv|txt)$/i.test(name) ? 'csv' : null;
}

function isGuacamoleDump(name: string, bytes: Bytes): boolean {
  return (
    /\.sql$/i.test(name) &&
    bytes.length <= exchangeBounds.textBytes &&
    parseUtf8(bytes).includes('guacamole_connection')
  );
}

function isZip(bytes: Bytes): boolean {
  return startsWith(bytes, 0x50, 0x4b, 0x03, 0x04) || startsWith(bytes, 0x50, 0x4b, 0x05, 0x06);
}

function isKeepass(bytes: Bytes): boolean {
  return startsWith(bytes, 0x03, 0xd9, 0xa2, 0x9a);
}

function isSealed(bytes: Bytes): boolean {
  return startOf(bytes.subarray(0, 64)).startsWith('{"format":"sallyport-export"');
}

function startsWith(bytes: Bytes, ...magic: readonly number[]): boolean {
  return magic.every((byte, at) => bytes[at] === byte);
}

/** The first kilobytes as text, whatever they are. */
function startOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes.subarray(0, 65_536));
}

function requireSize(bytes: Bytes): void {
  if (bytes.length === 0) throw malformed('the file is empty');
  if (bytes.length > exchangeBounds.fileBytes)
    throw new ProtocolError('too-large', 'the file is larger than an import can be');
}

function requirePassword(password: string | undefined): string {
  if (password === undefined || password === '')
    throw new ProtocolError('wrong-password', 'the file has a password of its own');
  return password;
}

import { argon2d, argon2id } from 'hash-wasm';
import { Uint8ArrayWriter, ZipWriter, Uint8ArrayReader } from '@zip.js/zip.js/lib/zip-core-native.js';
import { copy, encodeBase64, utf8, type Bytes } from '../../../../protocol/bytes.ts';
import { hmacSha256, sha256 } from '../../../../protocol/crypto/hash.ts';
import type { RecordContent, RecordField } from '../../../../protocol/records/content.ts';
import type { ImportedRecord, ImportedVault } from '../../../../workers/exchange/imported.ts';
import { kdbx } from '../../../../workers/exchange/keepass-library.ts';

/** Files of other vaults, made here as those vaults make them. */

export async function zipOf(parts: Readonly<Record<string, string | Uint8Array>>): Promise<Bytes> {
  const writer = new ZipWriter(new Uint8ArrayWriter(), { useWebWorkers: false });
  for (const [name, part] of Object.entries(parts))
    await writer.add(name, new Uint8ArrayReader(typeof part === 'string' ? utf8(part) : part));
  return copy(await writer.close());
}

/** A KeePass database under a password, with cheap costs unless the test sets others. */
export function keepassDatabase(password: string, name = 'Vault') {
  kdbx.CryptoEngine.setArgon2Impl(
    async (secret, salt, memorySize, iterations, hashLength, parallelism, type) => {
      const derive = type === 0 ? argon2d : argon2id;
      const options = { memorySize, iterations, hashLength, parallelism, outputType: 'binary' } as const;
      return copy(await derive({ password: new Uint8Array(secret), salt: new Uint8Array(salt), ...options }))
        .buffer;
    },
  );
  const database = kdbx.Kdbx.create(new kdbx.Credentials(kdbx.ProtectedValue.fromString(password)), name);
  database.setKdf(kdbx.Consts.KdfId.Argon2d);
  database.header.kdfParameters?.set('I', kdbx.VarDictionary.ValueType.UInt64, kdbx.Int64.from(1));
  database.header.kdfParameters?.set('M', kdbx.VarDictionary.ValueType.UInt64, kdbx.Int64.from(1024 * 1024));
  return database;
}

/** Bitwarden's sealed text: AES-256-CBC, then HMAC-SHA-256 over iv and ciphertext. */
async function sealBitwarden(derived: Bytes, text: string): Promise<string> {
  const expand = (info: string) => hmacSha256(derived, new Uint8Array([...utf8(info), 1]));
  const iv = crypto.getRandomValues(new Uint8Array(16));
  const key = await crypto.subtle.importKey('raw', expand('enc'), 'AES-CBC', false, ['encrypt']);
  const ciphertext = new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-CBC', iv }, key, utf8(text)));
  const mac = hmacSha256(expand('mac'), new Uint8Array([...iv, ...ciphertext]));
  return `2.${[iv, ciphertext, mac].map(encodeBase64).join('|')}`;
}

const salt = 'c2FsdCBvZiBhIHRlc3Q=';

export async function bitwardenSealed(inner: unknown, password: string, kdf: 'pbkdf2' | 'argon2id') {
  const costs =
    kdf === 'pbkdf2'
      ? { kdfType: 0, kdfIterations: 1000 }
      : { kdfType: 1, kdfIterations: 2, kdfMemory: 1, kdfParallelism: 1 };
  const derived = kdf === 'pbkdf2' ? await pbkdf2(password) : await argon2(password);
  return {
    encrypted: true,
    passwordProtected: true,
    salt,
    ...costs,
    encKeyValidation_DO_NOT_EDIT: await sealBitwarden(derived, 'a random text'),
    data: await sealBitwarden(derived, JSON.stringify(inner)),
  };
}

async function pbkdf2(password: string): Promise<Bytes> {
  const key = await crypto.subtle.importKey('raw', utf8(password), 'PBKDF2', false, ['deriveBits']);
  const algorithm = { name: 'PBKDF2', hash: 'SHA-256', salt: utf8(salt), iterations: 1000 };
  return new Uint8Array(await crypto.subtle.deriveBits(algorithm, key, 256));
}

async function argon2(password: string): Promise<Bytes> {
  const options = {
    iterations: 2,
    memorySize: 1024,
    parallelism: 1,
    hashLength: 32,
    outputType: 'binary',
  } as const;
  return copy(await argon2id({ password, salt: sha256(utf8(salt)), ...options }));
}

export const jsonBytes = (value: unknown): Bytes => utf8(JSON.stringify(value));

export function recordOf(vault: ImportedVault, title: string): ImportedRecord {
  const found = vault.records.find(({ content }) => content.title === title);
  if (found === undefined)
    throw new Error(
      `no record "${title}" in ${vault.records.map(({ content }) => content.title).join(', ')}`,
    );
  return found;
}

/** Filled own fields as `type` or `type:label`, and custom ones by label, each with its first value. */
export function valuesOf(content: RecordContent): Record<string, unknown> {
  const key = ({ type, label }: RecordField) => (label === undefined ? type : `${type}:${label}`);
  const own = content.fields
    .filter(({ value }) => value.length > 0)
    .map((field) => [key(field), field.value[0]]);
  const custom = (content.custom ?? []).map((field) => [key(field), field.value[0]]);
  return Object.fromEntries([...own, ...custom]);
}

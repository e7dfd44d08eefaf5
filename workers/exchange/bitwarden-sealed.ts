import { argon2id } from 'hash-wasm';
import { copy, utf8, wipe, type Bytes } from '../../protocol/bytes.ts';
import { sha256 } from '../../protocol/crypto/hash.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import {
  deriveBitwardenPbkdf2,
  openBitwardenString,
  stretchBitwardenKey,
  type BitwardenKeys,
} from '../../protocol/foreign-vaults/bitwarden-crypto.ts';
import { type JsonObject } from '../../protocol/json.ts';
import { exchangeBounds } from './bounds.ts';
import { integerIn, malformed, textIn } from './json-values.ts';

/** Its derivation functions by number. */
const kdfs = { pbkdf2: 0, argon2id: 1 } as const;

/**
 * The JSON inside a password-protected export. Its validation text tells a wrong password from a damaged file. Throws
 * `wrong-password`, `malformed` for what is missing or out of bounds, `open-failed` for a file that was changed.
 */
export async function openBitwardenExport(file: JsonObject, password: string): Promise<Bytes> {
  const validation = textIn(file['encKeyValidation_DO_NOT_EDIT'], 'encKeyValidation');
  const data = textIn(file['data'], 'data');
  if (validation === '' || data === '') throw malformed('the encrypted export has no data');
  if (password === '') throw new ProtocolError('wrong-password', 'the file has a password of its own');
  const keys = await deriveKeys(file, password);
  try {
    await openBitwardenString(keys, validation);
  } catch (error) {
    const wrong = error instanceof ProtocolError && error.code === 'open-failed';
    throw wrong ? new ProtocolError('wrong-password', 'the file does not open with this password') : error;
  }
  const opened = await openBitwardenString(keys, data);
  wipe(keys.encryption, keys.authentication);
  return opened;
}

async function deriveKeys(file: JsonObject, password: string): Promise<BitwardenKeys> {
  const salt = utf8(textIn(file['salt'], 'salt'));
  if (salt.length === 0 || salt.length > 1024) throw malformed('the encrypted export has no salt');
  const kdf = integerIn(file['kdfType'], 'kdfType', kdfs.pbkdf2, kdfs.argon2id);
  const derived =
    kdf === kdfs.pbkdf2 ? await derivePbkdf2(file, password, salt) : await deriveArgon2(file, password, salt);
  const keys = stretchBitwardenKey(derived);
  wipe(derived);
  return keys;
}

async function derivePbkdf2(file: JsonObject, password: string, salt: Bytes): Promise<Bytes> {
  const iterations = integerIn(file['kdfIterations'], 'kdfIterations', 1, exchangeBounds.foreignPbkdf2);
  return await deriveBitwardenPbkdf2(password, salt, iterations);
}

async function deriveArgon2(file: JsonObject, password: string, salt: Bytes): Promise<Bytes> {
  const { memoryKib, passes, parallelism } = exchangeBounds.foreignArgon2;
  const raw = await argon2id({
    password: utf8(password),
    salt: sha256(salt),
    iterations: integerIn(file['kdfIterations'], 'kdfIterations', 1, passes),
    memorySize: integerIn(file['kdfMemory'], 'kdfMemory', 1, memoryKib / 1024) * 1024,
    parallelism: integerIn(file['kdfParallelism'], 'kdfParallelism', 1, parallelism),
    hashLength: 32,
    outputType: 'binary',
  });
  return copy(raw);
}

import { argon2d, argon2id } from 'hash-wasm';
import type { Kdbx, KdbxCredentials, KdbxHeader } from 'kdbxweb';
import { copy, equal, parseUtf8, wipe, type Bytes } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { exchangeBounds } from './bounds.ts';
import { malformed } from './json-values.ts';
import { kdbx } from './keepass-library.ts';
import { gunzipWithin } from './unpacking.ts';
import { checkXml } from './xml-elements.ts';

/**
 * Opens a KDBX 4 file with the library's parts, put together here and not by its own `load`: that one unpacks and
 * parses without any bound, and lets the file choose what the key derivation costs. Throws `wrong-password`,
 * `malformed`, `unsupported-version` (KDBX 3), `weak-parameters` (costs beyond what a browser can pay).
 */
export async function openKdbx(bytes: Bytes, password: string): Promise<Kdbx> {
  kdbx.CryptoEngine.setArgon2Impl(deriveArgon2);
  try {
    return await open(bytes, new kdbx.Credentials(kdbx.ProtectedValue.fromString(password)));
  } catch (error) {
    // The library's messages may quote the file.
    throw error instanceof ProtocolError ? error : malformed('the keepass file is damaged');
  }
}

async function open(bytes: Bytes, credentials: KdbxCredentials): Promise<Kdbx> {
  const database = new kdbx.Kdbx();
  database.credentials = credentials;
  await credentials.ready;
  const context = new kdbx.KdbxContext({ kdbx: database });
  const stream = new kdbx.BinaryStream(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  const header = kdbx.KdbxHeader.read(stream, context);
  database.header = header;
  if (header.versionMajor !== 4)
    throw new ProtocolError(
      'unsupported-version',
      'only kdbx 4 files are read; save the file anew in keepass',
    );
  requireAffordable(header);
  const keys = await deriveKeys(header, credentials);
  await requireHeader(stream, header, keys.authentication);
  const blocks = await kdbx.HmacBlockTransform.decrypt(stream.readBytesToEnd(), keys.authentication);
  const payload = await unpacked(header, await decrypt(header, blocks, keys.encryption));
  wipe(new Uint8Array(keys.authentication), new Uint8Array(keys.encryption));
  return await readPayload(database, payload, context);
}

function requireAffordable(header: KdbxHeader): void {
  const { memoryKib, passes, parallelism } = exchangeBounds.foreignArgon2;
  const most = { M: memoryKib * 1024, I: passes, P: parallelism, R: exchangeBounds.foreignAesRounds };
  for (const [name, bound] of Object.entries(most)) {
    const value = header.kdfParameters?.get(name);
    const number = value instanceof kdbx.Int64 ? value.value : Number(value ?? 0);
    if (!(number <= bound))
      throw new ProtocolError(
        'weak-parameters',
        'the file asks for a key derivation that a browser cannot afford',
      );
  }
}

interface Keys {
  readonly encryption: ArrayBuffer;
  readonly authentication: ArrayBuffer;
}

async function deriveKeys(header: KdbxHeader, credentials: KdbxCredentials): Promise<Keys> {
  const { masterSeed, kdfParameters } = header;
  if (masterSeed?.byteLength !== 32 || kdfParameters === undefined)
    throw malformed('the keepass file has no seed');
  const derived = await kdbx.KeyEncryptorKdf.encrypt(await credentials.getHash(), kdfParameters);
  const seeded = new Uint8Array(65);
  seeded.set(new Uint8Array(masterSeed));
  seeded.set(new Uint8Array(derived), 32);
  seeded[64] = 1;
  const encryption = await kdbx.CryptoEngine.sha256(seeded.buffer.slice(0, 64));
  const authentication = await kdbx.CryptoEngine.sha512(seeded.buffer);
  wipe(seeded, new Uint8Array(derived));
  return { encryption, authentication };
}

/** The header's hash tells damage, its HMAC tells a wrong password. */
async function requireHeader(
  stream: InstanceType<typeof kdbx.BinaryStream>,
  header: KdbxHeader,
  key: ArrayBuffer,
): Promise<void> {
  if (header.endPos === undefined) throw malformed('the keepass file has no header');
  const bytes = stream.readBytesNoAdvance(0, header.endPos);
  const hash = await kdbx.CryptoEngine.sha256(bytes);
  if (!same(stream.readBytes(hash.byteLength), hash))
    throw malformed('the header of the keepass file is damaged');
  const macKey = await kdbx.HmacBlockTransform.getHmacKey(key, new kdbx.Int64(0xffffffff, 0xffffffff));
  const mac = await kdbx.CryptoEngine.hmacSha256(macKey, bytes);
  if (!same(stream.readBytes(mac.byteLength), mac))
    throw new ProtocolError('wrong-password', 'the file does not open with this password');
}

async function decrypt(header: KdbxHeader, data: ArrayBuffer, key: ArrayBuffer): Promise<ArrayBuffer> {
  const iv = header.encryptionIV;
  if (iv === undefined) throw malformed('the keepass file has no iv');
  switch (header.dataCipherUuid?.toString()) {
    case kdbx.Consts.CipherId.Aes: {
      const cipher = kdbx.CryptoEngine.createAesCbc();
      await cipher.importKey(key);
      return await cipher.decrypt(data, iv);
    }
    case kdbx.Consts.CipherId.ChaCha20:
      return await kdbx.CryptoEngine.chacha20(data, key, iv);
    default:
      throw malformed('the keepass file uses a cipher that is not known');
  }
}

async function unpacked(header: KdbxHeader, data: ArrayBuffer): Promise<Bytes> {
  const bytes = new Uint8Array(data);
  const packed = header.compression === kdbx.Consts.CompressionAlgorithm.GZip;
  return packed ? await gunzipWithin(bytes, exchangeBounds.attachmentBytes) : bytes;
}

async function readPayload(
  database: Kdbx,
  payload: Bytes,
  context: InstanceType<typeof kdbx.KdbxContext>,
): Promise<Kdbx> {
  const stream = new kdbx.BinaryStream(payload.buffer);
  database.header.readInnerHeader(stream, context);
  const { protectedStreamKey, crsAlgorithm } = database.header;
  if (protectedStreamKey === undefined || crsAlgorithm === undefined)
    throw malformed('the keepass file has no inner key');
  const rest = new Uint8Array(stream.readBytesToEnd());
  if (rest.length > exchangeBounds.textBytes)
    throw malformed('the entries of the keepass file are too large');
  const text = parseUtf8(rest);
  checkXml(text);
  // A way to pack one value that version 4 does not have, and that the library would unpack without a bound.
  if (/\sCompressed\s*=/.test(text))
    throw malformed('the keepass file has packed values, which version 4 does not');
  const xml = kdbx.XmlUtils.parse(text);
  const generator = await kdbx.ProtectSaltGenerator.create(protectedStreamKey, crsAlgorithm);
  kdbx.XmlUtils.setProtectedValues(xml.documentElement, generator);
  database.xml = xml;
  return await database.loadFromXml(context);
}

function same(one: ArrayBuffer, other: ArrayBuffer): boolean {
  return equal(new Uint8Array(one), new Uint8Array(other));
}

async function deriveArgon2(
  password: ArrayBuffer,
  salt: ArrayBuffer,
  memorySize: number,
  iterations: number,
  hashLength: number,
  parallelism: number,
  type: number,
  version: number,
): Promise<ArrayBuffer> {
  if (version !== 0x13) throw malformed('the keepass file uses argon2 version 1.0; save it anew in keepass');
  const derive = type === kdbx.CryptoEngine.Argon2TypeArgon2d ? argon2d : argon2id;
  const settings = { memorySize, iterations, hashLength, parallelism, outputType: 'binary' } as const;
  const raw = await derive({ password: new Uint8Array(password), salt: new Uint8Array(salt), ...settings });
  return copy(raw).buffer;
}

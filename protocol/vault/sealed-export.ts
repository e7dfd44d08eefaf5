import {
  concat,
  empty,
  encodeBase64url,
  parseBase64url,
  parseUtf8,
  uint32,
  uint64,
  utf8,
  type Bytes,
} from '../bytes.ts';
import { encodeContext } from '../crypto/context.ts';
import { openEnvelope, sealEnvelope } from '../crypto/envelope.ts';
import { hkdf, sha256 } from '../crypto/hash.ts';
import { labels, purposes } from '../crypto/labels.ts';
import { SymmetricKey } from '../crypto/symmetric-key.ts';
import { ProtocolError } from '../errors.ts';
import { objectIn, parseObject } from '../json.ts';
import { limits } from '../limits.ts';

/**
 * A vault's encrypted export (protocol.md §22): one line of JSON that says how the key is derived, then frames, each
 * length(4) ‖ envelope. AAD objects: SHA-256 of the header line, index(8), final(1). Every frame but the last one holds
 * exactly `exportChunk` bytes; the last one is the one that nothing follows, and says so.
 */
export interface ExportCosts {
  /** 16 bytes. */
  readonly salt: Bytes;
  readonly memoryKib: number;
  readonly passes: number;
  readonly parallelism: number;
}

/** Bytes of content in one frame. */
export const exportChunk = 256 * 1024;
/** Bytes of a header line. */
export const exportHeaderMost = 1024;

const format = 'sallyport-export';
const notAHeader = 'not the header of an encrypted export';
const version = 1;
const saltLength = 16;

/** The header line with its line end: the only text form of those costs. */
export function encodeExportHeader({ salt, memoryKib, passes, parallelism }: ExportCosts): Bytes {
  const kdf = { name: 'argon2id', salt: encodeBase64url(salt), memoryKib, passes, parallelism };
  return utf8(`${JSON.stringify({ format, version, kdf })}\n`);
}

/**
 * Strict inverse of {@link encodeExportHeader}: anything that it would not write is refused. Throws `malformed`,
 * `unsupported-version`, and `weak-parameters` for costs outside `limits.argon2`, before anything is derived.
 */
export function parseExportHeader(line: Uint8Array): ExportCosts {
  const costs = costsIn(line);
  const { minMemoryKiB, maxMemoryKiB, minPasses, maxPasses, parallelism } = limits.argon2;
  const sound =
    within(costs.memoryKib, minMemoryKiB, maxMemoryKiB) &&
    within(costs.passes, minPasses, maxPasses) &&
    costs.parallelism === parallelism;
  if (!sound)
    throw new ProtocolError('weak-parameters', 'the key derivation costs of the export are out of bounds');
  if (parseUtf8(encodeExportHeader(costs)) !== parseUtf8(line)) throw malformed();
  return costs;
}

/** The export's key from the output of Argon2id with its costs. The caller wipes that. */
export async function exportKey(derived: Bytes): Promise<SymmetricKey> {
  return await SymmetricKey.import(hkdf(derived, empty, encodeContext(labels.exportKey)));
}

/** One frame. `index` counts from 0; `final` for the last one, which alone may be shorter, empty too. */
export async function sealExportFrame(
  key: SymmetricKey,
  header: Bytes,
  index: number,
  final: boolean,
  chunk: Bytes,
): Promise<Bytes> {
  if (chunk.length > exportChunk || (!final && chunk.length < exportChunk))
    throw new ProtocolError('internal', 'a frame of an export has another size');
  const envelope = await sealEnvelope(key, purposes.exportChunk, objectsOf(header, index, final), chunk);
  return concat(uint32(envelope.length), envelope);
}

/** Inverse of {@link sealExportFrame} for the envelope alone. Throws `open-failed` whatever the cause. */
export async function openExportFrame(
  key: SymmetricKey,
  header: Bytes,
  index: number,
  final: boolean,
  envelope: Uint8Array,
): Promise<Bytes> {
  const chunk = await openEnvelope(key, purposes.exportChunk, objectsOf(header, index, final), envelope);
  if (chunk.length > exportChunk || (!final && chunk.length < exportChunk))
    throw new ProtocolError('open-failed');
  return chunk;
}

function objectsOf(header: Bytes, index: number, final: boolean): readonly Uint8Array[] {
  return [sha256(header), uint64(BigInt(index)), Uint8Array.of(final ? 1 : 0)];
}

function costsIn(line: Uint8Array): ExportCosts {
  if (line.length > exportHeaderMost) throw malformed();
  const header = parseObject(parseUtf8(line), notAHeader);
  if (header['format'] !== format) throw malformed();
  if (header['version'] !== version)
    throw new ProtocolError('unsupported-version', 'the export is of another version');
  const { name, salt, memoryKib, passes, parallelism } = objectIn(header['kdf'], notAHeader);
  const numbers =
    typeof memoryKib === 'number' && typeof passes === 'number' && typeof parallelism === 'number';
  if (name !== 'argon2id' || typeof salt !== 'string' || !numbers) throw malformed();
  const bytes = parseBase64url(salt);
  if (bytes.length !== saltLength) throw malformed();
  return { salt: bytes, memoryKib, passes, parallelism };
}

function within(value: number, min: number, max: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max;
}

function malformed(): ProtocolError {
  return new ProtocolError('malformed', notAHeader);
}

import { copy, type Bytes } from '../../protocol/bytes.ts';
import type { SymmetricKey } from '../../protocol/crypto/symmetric-key.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { exportHeaderMost, openExportFrame, parseExportHeader } from '../../protocol/vault/sealed-export.ts';
import { deriveExportKey } from './export-derivation.ts';
import type { ImportedVault } from './imported.ts';
import { malformed } from './json-values.ts';
import { RestoredVault } from './restored-vault.ts';
import { SealedParts } from './sealed-parts.ts';

/**
 * Reads an encrypted export back. Throws `wrong-password` when its first frame does not open, `open-failed` when a later
 * one does not (changed, reordered or cut short), `weak-parameters`, `unsupported-version`, `malformed`.
 */
export async function readSealed(file: Bytes, password: string): Promise<ImportedVault> {
  const end = file.indexOf(0x0a) + 1;
  if (end === 0 || end > exportHeaderMost) throw malformed('the file has no header of an encrypted export');
  const header = copy(file.subarray(0, end));
  const key = await deriveExportKey(password, parseExportHeader(header));
  const vault = new RestoredVault('Sallyport, encrypted');
  const parts = new SealedParts(vault);
  for await (const chunk of chunksOf(key, header, file.subarray(end))) parts.feed(chunk);
  parts.end();
  return vault.finish();
}

async function* chunksOf(key: SymmetricKey, header: Bytes, frames: Uint8Array): AsyncGenerator<Bytes> {
  let at = 0;
  for (let index = 0; ; index++) {
    const length =
      at + 4 <= frames.length ? new DataView(frames.buffer, frames.byteOffset + at).getUint32(0) : -1;
    if (length < 0 || at + 4 + length > frames.length) throw damaged(index);
    const envelope = frames.subarray(at + 4, at + 4 + length);
    at += 4 + length;
    const final = at === frames.length;
    try {
      yield await openExportFrame(key, header, index, final, envelope);
    } catch (error) {
      throw error instanceof ProtocolError && error.code === 'open-failed' ? damaged(index) : error;
    }
    if (final) return;
  }
}

/** A wrong password and a changed first frame look the same: there is nothing that tells them apart. */
function damaged(index: number): ProtocolError {
  return index === 0
    ? new ProtocolError('wrong-password', 'the file does not open with this password')
    : new ProtocolError('open-failed', `the file was changed or cut short at part ${index + 1}`);
}

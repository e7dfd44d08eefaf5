import { argon2id } from 'hash-wasm';
import { copy, utf8, wipe } from '../../protocol/bytes.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import type { SymmetricKey } from '../../protocol/crypto/symmetric-key.ts';
import { limits } from '../../protocol/limits.ts';
import { exportKey, type ExportCosts } from '../../protocol/vault/sealed-export.ts';

/** Costs of a new export: the floor, under a salt of its own. */
export function newExportCosts(): ExportCosts {
  const { minMemoryKiB, minPasses, parallelism } = limits.argon2;
  return { salt: randomBytes(16), memoryKib: minMemoryKiB, passes: minPasses, parallelism };
}

/** The key of an export whose costs were checked. One password, one spelling (RFC 8265 §4.2). */
export async function deriveExportKey(password: string, costs: ExportCosts): Promise<SymmetricKey> {
  const raw = await argon2id({
    password: utf8(password.normalize('NFC')),
    salt: costs.salt,
    memorySize: costs.memoryKib,
    iterations: costs.passes,
    parallelism: costs.parallelism,
    hashLength: 32,
    outputType: 'binary',
  });
  const derived = copy(raw);
  const key = await exportKey(derived);
  wipe(raw, derived);
  return key;
}

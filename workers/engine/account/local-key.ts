import { argon2id } from 'hash-wasm';
import { copy, type Bytes } from '../../../protocol/bytes.ts';
import type { SymmetricKey } from '../../../protocol/crypto/symmetric-key.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { localWrappingKey } from '../../../protocol/vault/account-keys.ts';
import { normalisePassword } from '../sign-in/credentials.ts';
import { timed } from '../timing.ts';

/** Costs of the local unlock, as the device stores them beside what they protect. */
export interface LocalKeyParameters {
  readonly salt: Bytes;
  readonly memoryKib: number;
  readonly passes: number;
  readonly parallelism: number;
}

export const localKeyCosts = {
  memoryKib: limits.argon2.minMemoryKiB,
  passes: limits.argon2.minPasses,
  parallelism: limits.argon2.parallelism,
};

const saltLength = 16;

/**
 * The key that wraps the data key on this device. Stored costs are checked before anything runs: under the floor
 * compiled in they would make guessing cheap, over the ceiling they would take the device down. Throws `weak-parameters`.
 */
export async function deriveLocalKey(
  password: string,
  parameters: LocalKeyParameters,
): Promise<SymmetricKey> {
  requireSound(parameters);
  const raw = await timed('sallyport:local-key', () =>
    argon2id({
      password: normalisePassword(password),
      salt: parameters.salt,
      memorySize: parameters.memoryKib,
      iterations: parameters.passes,
      parallelism: parameters.parallelism,
      hashLength: 32,
      outputType: 'binary',
    }),
  );
  return await localWrappingKey(copy(raw));
}

function requireSound({ salt, memoryKib, passes, parallelism }: LocalKeyParameters): void {
  const { minMemoryKiB, maxMemoryKiB, minPasses, maxPasses } = limits.argon2;
  const sound =
    salt.length === saltLength &&
    within(memoryKib, minMemoryKiB, maxMemoryKiB) &&
    within(passes, minPasses, maxPasses) &&
    parallelism === limits.argon2.parallelism;
  if (!sound) throw new ProtocolError('weak-parameters', 'the stored key derivation costs are out of bounds');
}

function within(value: number, min: number, max: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max;
}

import type { Bytes } from '../../protocol/bytes.ts';
import { signerOf } from '../../protocol/crypto/ecdsa.ts';
import { create } from '@bufbuild/protobuf';
import { ServerKeySetSchema } from '../../protocol/messages/gen/api_pb.js';
import { signServerKeys, type ServerPrivateKey } from '../../protocol/transmission/server-keys.ts';
import { loadKeyFile, type KeyFile, type RingKey } from './key-file.ts';

/** The transmission keys in use. One ring serves the API, the links and the secrets-manager API. */
export class KeyRing {
  readonly #dataFolder: string;
  #file: KeyFile;

  constructor(dataFolder: string) {
    this.#dataFolder = dataFolder;
    this.#file = loadKeyFile(dataFolder);
  }

  get opaqueSetup(): string {
    return this.#file.opaqueSetup;
  }

  get secondFactorKey(): Bytes {
    return this.#file.secondFactorKey;
  }

  get fileTicketKey(): Bytes {
    return this.#file.fileTicketKey;
  }

  /** Current key first, expired ones left out. */
  get keys(): readonly ServerPrivateKey[] {
    return this.#live();
  }

  /** Takes over what `rotate-keys` wrote. */
  reload(): void {
    this.#file = loadKeyFile(this.#dataFolder);
  }

  /** Encoded ServerKeys for clients to pin. */
  async signedKeys(): Promise<Bytes> {
    const keys = this.#live().map(({ id, publicKey, expiresAt }) => ({
      keyId: id,
      publicKey,
      expiresAtMs: BigInt(expiresAt),
    }));
    const keySet = create(ServerKeySetSchema, { version: BigInt(this.#file.version), keys });
    return await signServerKeys(signerOf(this.#file.identityKey), keySet);
  }

  #live(): readonly RingKey[] {
    const now = Date.now();
    return this.#file.ring.filter((key) => key.expiresAt === 0 || key.expiresAt > now);
  }
}

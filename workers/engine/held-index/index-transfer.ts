import { empty, type Bytes } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { HeldIndexService } from '../../../protocol/messages/gen/held-index_pb.js';
import { newUid, uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import type { AccountKeys } from '../../../protocol/vault/account-keys.ts';
import { openHeldIndex, sealHeldIndex } from '../../../protocol/vault/held-index.ts';
import type { VaultSession } from '../connection/vault-session.ts';

/** What the server says that it holds. */
export interface HeldGeneration {
  readonly uid: Uid;
  readonly partCount: number;
  /** Of a sync: what it knows everything up to. */
  readonly cursor: bigint;
}

/** Parts asked for side by side: enough to keep a path full, few enough to leave room for the pages. */
const lanes = 4;

const { method } = HeldIndexService;

/** Takes indexes to the server and from it. */
export class IndexTransfer {
  readonly #session: VaultSession;
  readonly #keys: Pick<AccountKeys, 'accountUid' | 'dataKey'>;

  constructor(session: VaultSession, keys: Pick<AccountKeys, 'accountUid' | 'dataKey'>) {
    this.#session = session;
    this.#keys = keys;
  }

  /** Null when nothing is held. Throws `malformed` and what calls throw. */
  async describe(): Promise<HeldGeneration | null> {
    const { generationUid, partCount, cursor } = await this.#session.call(method.describeHeldIndex, {});
    if (generationUid.length === 0) return null;
    if (partCount === 0 || partCount > limits.heldIndex.parts)
      throw new ProtocolError('malformed', 'not an index');
    return { uid: uidOf(generationUid), partCount, cursor };
  }

  /** Its plaintext. Throws `open-failed` for what this account did not seal, and what calls throw. */
  async read({ uid, partCount }: HeldGeneration): Promise<Bytes> {
    const parts = new Array<Uint8Array>(partCount).fill(empty);
    let next = 0;
    const lane = async () => {
      while (next < partCount) {
        const part = next++;
        const request = { generationUid: uidBytes(uid), part };
        parts[part] = (await this.#session.call(method.getHeldIndexPart, request)).sealed;
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    return await openHeldIndex(this.#keys.dataKey, this.#scope(uid), parts);
  }

  /**
   * Stores an index in the place of `former`, which is what is held. Throws `conflict` when another device was quicker,
   * `too-large`, and what calls throw: what was held stays then.
   */
  async store(
    plaintext: Bytes,
    cursor: bigint,
    former: HeldGeneration | null,
    rest: () => Promise<void>,
  ): Promise<HeldGeneration> {
    const uid = newUid();
    const generationUid = uidBytes(uid);
    const parts = await sealHeldIndex(this.#keys.dataKey, this.#scope(uid), plaintext);
    for (const [part, sealed] of parts.entries()) {
      await rest();
      const request = { generationUid, part, partCount: parts.length, sealed };
      await this.#session.call(method.putHeldIndexPart, request);
    }
    const formerGenerationUid = former ? uidBytes(former.uid) : empty;
    await this.#session.call(method.finishHeldIndex, { generationUid, formerGenerationUid, cursor });
    return { uid, partCount: parts.length, cursor };
  }

  #scope(generationUid: Uid) {
    return { accountUid: this.#keys.accountUid, generationUid };
  }
}

// What stands between the two halves of adding a factor: of one account, short-lived, taken once.
import { randomBytes } from '../../protocol/crypto/random.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import type { Uid } from '../../protocol/uid.ts';
import { PendingTable } from './pending-table.ts';
import type { RelyingParty } from './webauthn.ts';

/** Time to find a phone or a key. */
const bounds = { lifetimeMs: 10 * 60_000, most: 10_000, mostOfCaller: 20 };

export interface Ceremony {
  readonly accountUid: Uid;
  /** The challenge, or the secret of an app. */
  readonly bytes: Uint8Array;
  readonly party: RelyingParty | null;
}

export class Ceremonies {
  readonly #pending = new PendingTable<Ceremony>(bounds);

  begin(accountUid: Uid, length: number, party: RelyingParty | null, now: number) {
    const bytes = randomBytes(length);
    return { ceremonyUid: this.#pending.add({ accountUid, bytes, party }, accountUid, now), bytes };
  }

  /** Throws `expired`. */
  take(accountUid: Uid, ceremonyUid: Uint8Array, now: number): Ceremony {
    return ownOf(this.#pending.take(ceremonyUid, now), accountUid);
  }

  /** The same, but it may be tried again. */
  find(accountUid: Uid, ceremonyUid: Uint8Array, now: number): Ceremony {
    return ownOf(this.#pending.find(ceremonyUid, now), accountUid);
  }
}

function ownOf(ceremony: Ceremony | null, accountUid: Uid): Ceremony {
  if (ceremony?.accountUid !== accountUid) throw new ProtocolError('expired', 'that took too long');
  return ceremony;
}

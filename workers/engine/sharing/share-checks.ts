import { ProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { findDeparted, findMember, type Roster } from '../../../protocol/signed/roster.ts';
import type { Uid } from '../../../protocol/uid.ts';

export interface ShareChecksParts {
  /** Newest verified roster. */
  readonly roster: () => Roster;
  /** This device's clock. */
  readonly now: () => number;
  readonly warn: (message: string) => void;
}

/** Two clocks, each of which may be off so far. */
const mostAhead = 2 * limits.clockSkewMs;

/** What grants, folders and entries of the server are all asked. protocol.md §19.5. */
export class ShareChecks {
  readonly #parts: ShareChecksParts;
  #departed: { readonly roster: Roster; readonly uids: ReadonlySet<Uid> } | null = null;

  constructor(parts: ShareChecksParts) {
    this.#parts = parts;
  }

  /** Signing key of a member, 65 bytes. Throws `untrusted` when no roster names the account. */
  keyOf(accountUid: Uid): Uint8Array {
    const member = findMember(this.#parts.roster(), accountUid);
    if (member === null) throw new ProtocolError('untrusted', 'the signer is in no roster');
    return member.signingPublicKey;
  }

  /** The same, also of somebody who left. */
  formerKeyOf(accountUid: Uid): Uint8Array {
    return findDeparted(this.#parts.roster(), accountUid)?.signingPublicKey ?? this.keyOf(accountUid);
  }

  /** Of whom the roster says that they were members. */
  get departed(): ReadonlySet<Uid> {
    const roster = this.#parts.roster();
    if (this.#departed?.roster === roster) return this.#departed.uids;
    const uids = new Set(roster.ends.flatMap(({ uid, departed }) => (departed ? [uid] : [])));
    this.#departed = { roster, uids };
    return uids;
  }

  /** A word of the future would outlive every honest one: throws `untrusted`. */
  requirePast(issuedAtMs: number): void {
    if (issuedAtMs > this.#parts.now() + mostAhead)
      throw new ProtocolError('untrusted', 'it was issued in the future');
  }

  /** What holds, alone; nothing of what does not, with a warning. */
  orNothing<T>(what: string, judge: () => T): T[] {
    try {
      return [judge()];
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#parts.warn(`${what} of the server was dropped: ${error.message}`);
      return [];
    }
  }
}

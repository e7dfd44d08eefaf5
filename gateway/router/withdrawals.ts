import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import {
  WithdrawalKind,
  type Withdrawal as WithdrawalMessage,
} from '../../protocol/messages/gen/command_pb.js';
import type { AccessRules, VerifiedShares } from '../../protocol/sharing/access.ts';
import type { FolderEntry } from '../../protocol/sharing/folder-entry.ts';
import type { Grant } from '../../protocol/sharing/grant.ts';
import { uidOf, type Uid } from '../../protocol/uid.ts';

/** A member's word that something counts no more. protocol.md §12.8. */
export interface Withdrawal {
  readonly kind: 'record' | 'folder' | 'entry';
  /** Of an entry its folder. */
  readonly objectUid: Uid;
  readonly objectOwnerUid: Uid;
  /** Account or team; of an entry its record. */
  readonly outUid: Uid;
  readonly untilMs: number;
}

/** What a word reaches beside what its signer signed themselves: others' grants and entries of keys up to this version. */
interface Word {
  readonly untilMs: number;
  readonly keyVersions: number;
}

/** Of one member; the oldest is forgotten. What they took back for good shows in the keys of their records. */
const mostOfSigner = 2_000;

/**
 * What was taken back, as members said in signed commands: a former grant counts no more, whoever shows it. Words only
 * widen. They live as long as the gateway's run: what outlives it is the record's key version (§12.6).
 */
export class Withdrawals {
  readonly #words = new Map<Uid, Map<string, Word>>();

  /** Of this signer, who has shown these rights. */
  add(signerUid: Uid, withdrawal: Withdrawal, rights: Authority): void {
    const words = this.#words.get(signerUid) ?? new Map<string, Word>();
    this.#words.set(signerUid, words);
    const { kind, objectUid, objectOwnerUid, outUid, untilMs } = withdrawal;
    const name = nameOf(kind, objectUid, objectOwnerUid, outUid);
    const known = words.get(name);
    const keyVersions = Math.max(rights.keyVersions(withdrawal), known?.keyVersions ?? 0);
    words.delete(name);
    words.set(name, { untilMs: Math.max(untilMs, known?.untilMs ?? 0), keyVersions });
    for (const oldest of words.keys()) if (words.size > mostOfSigner) words.delete(oldest);
  }

  /** Who took the grant back; null when it stands. */
  ofGrant(grant: Grant): Uid | null {
    const { objectKind, objectUid, ownerUid, granteeUid, granterUid, keyVersion, issuedAtMs } = grant;
    const name = nameOf(objectKind, objectUid, ownerUid, granteeUid);
    return this.#find(name, issuedAtMs, keyVersion, [granterUid]);
  }

  /** Who took the record out of the folder; null when it is there. Its owner may, whoever put it there. */
  ofEntry(entry: FolderEntry): Uid | null {
    const { folderUid, folderOwnerUid, recordUid, recordOwnerUid, authorUid, folderKeyVersion } = entry;
    const name = nameOf('entry', folderUid, folderOwnerUid, recordUid);
    return this.#find(name, entry.issuedAtMs, folderKeyVersion, [authorUid, recordOwnerUid]);
  }

  #find(name: string, issuedAtMs: number, keyVersion: number, own: readonly Uid[]): Uid | null {
    for (const [signerUid, words] of this.#words) {
      const word = words.get(name);
      if (word === undefined || word.untilMs < issuedAtMs) continue;
      if (own.includes(signerUid) || keyVersion <= word.keyVersions) return signerUid;
    }
    return null;
  }
}

/** What a signer may take back that others gave: the owner of an object everything, who manages a folder what is there. */
export class Authority {
  readonly #signerUid: Uid;
  readonly #rules: AccessRules;
  readonly #shown: VerifiedShares;
  readonly #nowMs: number;

  constructor(signerUid: Uid, rules: AccessRules, shown: VerifiedShares, nowMs: number) {
    this.#signerUid = signerUid;
    this.#rules = rules;
    this.#shown = shown;
    this.#nowMs = nowMs;
  }

  /** 0: nobody else's. A manager's rights reach no further than the folder key that they were given under. */
  keyVersions({ kind, objectUid, objectOwnerUid }: Withdrawal): number {
    if (objectOwnerUid === this.#signerUid) return Infinity;
    if (kind === 'record') return 0;
    const right = kind === 'folder' ? 'manageMembers' : 'manageRecords';
    const versions = this.#shown.grants
      .filter((grant) => grant.objectKind === 'folder' && grant.objectUid === objectUid)
      .map(({ keyVersion }) => keyVersion)
      .filter((keyVersion) => {
        const access = this.#rules.toFolder(
          this.#signerUid,
          objectUid,
          objectOwnerUid,
          this.#nowMs,
          keyVersion,
        );
        return access?.rights[right] === true;
      });
    return Math.max(0, ...versions);
  }
}

/** Throws `malformed`: also for a word about what is still to come. */
export function parseWithdrawal(message: WithdrawalMessage, nowMs: number): Withdrawal {
  const kind = kinds[message.kind];
  const untilMs = Number(message.untilMs);
  if (kind === undefined || untilMs < 0 || untilMs > nowMs + limits.withdrawals.aheadMs)
    throw new ProtocolError('malformed', 'no withdrawal of what was given until now');
  return {
    ...{ kind, untilMs },
    objectUid: uidOf(message.objectUid),
    objectOwnerUid: uidOf(message.objectOwnerUid),
    outUid: uidOf(message.outUid),
  };
}

const kinds: Readonly<Partial<Record<WithdrawalKind, Withdrawal['kind']>>> = {
  [WithdrawalKind.RECORD]: 'record',
  [WithdrawalKind.FOLDER]: 'folder',
  [WithdrawalKind.ENTRY]: 'entry',
};

function nameOf(kind: string, objectUid: Uid, ownerUid: Uid, outUid: Uid): string {
  return `${kind} ${objectUid} ${ownerUid} ${outUid}`;
}

import { wipe } from '../../../protocol/bytes.ts';
import { SharingService } from '../../../protocol/messages/gen/sharing_pb.js';
import type { Grant } from '../../../protocol/sharing/grant.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { FolderShares } from './folder-shares.ts';
import { RekeyReport, type Rekeying } from './rekeying.ts';
import { sealGrant, type GivenObject } from './share-seal.ts';
import type { SharingOffice } from './sharing-office.ts';

export interface TeamGrantParts {
  readonly office: SharingOffice;
  readonly rekeying: Rekeying;
  readonly folders: FolderShares;
}

/**
 * What this account gave to teams, once a team's key was replaced: whoever left has the former keys, and whoever joined
 * has no other than the new one. Own records and folders get new keys, the rest is sealed anew. The team's key is the
 * one that the organisation signed.
 */
export class TeamGrants {
  readonly #parts: TeamGrantParts;
  readonly #office: SharingOffice;
  #followed: ReadonlyMap<Uid, number>;

  constructor(parts: TeamGrantParts) {
    this.#parts = parts;
    this.#office = parts.office;
    this.#followed = this.#versions();
  }

  async follow(): Promise<void> {
    const before = this.#followed;
    const now = this.#versions();
    this.#followed = now;
    const isRenewed = (uid: Uid) => (now.get(uid) ?? 0) > (before.get(uid) ?? Infinity);
    const { shares } = this.#office.parts;
    const given = [...shares.shares.allGrants()].flat().map(({ grant }) => grant);
    const touched = given.filter(
      ({ granteeKind, granteeUid }) => granteeKind === 'team' && isRenewed(granteeUid),
    );
    const own = touched.filter(({ ownerUid }) => ownerUid === this.#office.ownUid);
    for (const name of new Set(own.map(({ objectKind, objectUid }) => `${objectKind} ${objectUid}`))) {
      const grant = own.find(({ objectKind, objectUid }) => `${objectKind} ${objectUid}` === name);
      if (grant) await this.#rekey(grant);
    }
    await this.#sealAnew(
      touched.filter(
        ({ ownerUid, granterUid }) => ownerUid !== this.#office.ownUid && granterUid === this.#office.ownUid,
      ),
    );
  }

  async #rekey({ objectKind, objectUid }: Grant): Promise<void> {
    const { rekeying, folders } = this.#parts;
    if (objectKind === 'folder') return await folders.rekey(objectUid, new RekeyReport());
    if (this.#office.parts.book.has(objectUid)) await rekeying.record(objectUid, new RekeyReport());
  }

  async #sealAnew(given: readonly Grant[]): Promise<void> {
    const grants = (await Promise.all(given.map((grant) => this.#renew(grant)))).filter(
      (grant) => grant !== null,
    );
    if (grants.length === 0) return;
    const { session, sync } = this.#office.parts;
    await session.call(SharingService.method.putGrants, { grants });
    await sync();
  }

  async #renew(grant: Grant) {
    const { objectKind, objectUid, granteeUid, rights, expiresAtMs } = grant;
    const standing = await this.#office.standing({ kind: 'team', uid: granteeUid });
    const object = await this.#objectOf(grant);
    if (standing === null || object === null) return null;
    const issuedAtMs = this.#office.issuedAt(objectKind, objectUid, granteeUid);
    const sealed = await sealGrant(this.#office.giver, object, standing.grantee, {
      rights,
      expiresAtMs,
      issuedAtMs,
    });
    wipe(object.key);
    return sealed;
  }

  /** Null for what is gone, or not this account's to give any more. */
  async #objectOf({ objectKind: kind, objectUid: uid, ownerUid }: Grant): Promise<GivenObject | null> {
    const { shares, book } = this.#office.parts;
    if (kind === 'folder') {
      const key = await shares.keyring.ofFolder('full', uid, ownerUid);
      const keyVersion = shares.shares.folders.get(uid)?.message.keyVersion;
      return key && keyVersion !== undefined ? { kind, uid, ownerUid, key, keyVersion } : null;
    }
    if (!book.has(uid) || book.get(uid)?.ownerUid !== ownerUid) return null;
    const { key, row } = await book.open(uid);
    return { kind, uid, ownerUid, key, keyVersion: row.keyVersion || 1 };
  }

  #versions(): ReadonlyMap<Uid, number> {
    const { teams } = this.#office.parts.rosters.roster;
    return new Map(teams.map(({ teamUid, keyVersion }) => [teamUid, keyVersion]));
  }
}

import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { empty, type Bytes } from '../../protocol/bytes.ts';
import { generateEcdhKeyPair } from '../../protocol/crypto/ecdh.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { SymmetricKey } from '../../protocol/crypto/symmetric-key.ts';
import { SyncResponseSchema, type SyncResponse } from '../../protocol/messages/gen/record_pb.js';
import { ObjectKind } from '../../protocol/messages/gen/sharing_pb.js';
import { viewRights, type Rights } from '../../protocol/sharing/rights.ts';
import { signFolder } from '../../protocol/signed/folder-signature.ts';
import type { Roster } from '../../protocol/signed/roster.ts';
import { newUid, uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import type { AccountKeys } from '../../protocol/vault/account-keys.ts';
import type { FormerFolderKey } from '../../protocol/vault/former-folder-keys.ts';
import { folderLaunchKeyOf, sealFolder, wrapFolderKey } from '../../protocol/vault/folder-seal.ts';
import type { KeyPair, RosterSource } from '../../workers/engine/sharing/roster-source.ts';
import { ShareBook } from '../../workers/engine/sharing/share-book.ts';
import {
  sealEntry,
  sealGrant,
  type EntryPlace,
  type GivenObject,
  type GrantTerms,
} from '../../workers/engine/sharing/share-seal.ts';
import { newPerson, type Person } from './organisation.ts';

type Page = MessageInitShape<typeof SyncResponseSchema>;

/** People, teams and what they give each other, without a server. */
export class Office {
  readonly people: Person[] = [];
  readonly teams: { uid: Uid; pair: KeyPair; members: Person[]; keyVersion: number }[] = [];
  now = 1_800_000_000_000;

  hire(): Person {
    const person = newPerson();
    this.people.push(person);
    return person;
  }

  team(...members: Person[]): Uid {
    const uid = newUid();
    this.teams.push({ uid, pair: generateEcdhKeyPair(), members, keyVersion: 1 });
    return uid;
  }

  roster(people: readonly Person[] = this.people): Roster {
    return {
      organisationUid: newUid(),
      version: 1n,
      parentHash: empty,
      members: people.map(({ accountUid, ecdh, signer, administrator }) => ({
        accountUid,
        administrator,
        ecdhPublicKey: ecdh.publicKey,
        signingPublicKey: signer.publicKey,
        email: `${accountUid}@example.test`,
      })),
      teams: this.teams.map(({ uid, pair, members, keyVersion }) => ({
        teamUid: uid,
        ecdhPublicKey: pair.publicKey,
        memberUids: members.map(({ accountUid }) => accountUid),
        keyVersion,
      })),
      recoveryPublicKey: empty,
      ends: [],
      formerTeamMembers: [],
    };
  }

  /** The share book in that person's worker. `rosters.roster` may be replaced; folders in `covered` their manifest has. */
  async bookOf(person: Person) {
    const warnings: string[] = [];
    const rosters: { roster: Roster } & RosterSource = {
      roster: this.roster(),
      atLeast: () => Promise.resolve(),
      teamKeys: (teamUid) => {
        const team = this.teams.find(({ uid }) => uid === teamUid);
        return Promise.resolve(team?.members.includes(person) ? [team.pair] : []);
      },
    };
    const keys = await keysOf(person);
    const warn = (message: string) => void warnings.push(message);
    const covered = new Set<Uid>();
    const isCovered = ({ folderUid }: { folderUid: Uint8Array }) => covered.has(uidOf(folderUid));
    const book = new ShareBook({ keys, rosters, now: () => this.now, isCovered, warn });
    const admit = (page: Page) => book.admit(pageOf(page));
    return { book, rosters, warnings, keys, covered, admit };
  }

  /** A grant as its granter signs it; for ever, to view, unless it says otherwise. */
  grant(
    granter: Person,
    object: GivenObject,
    to: Person | Uid,
    { rights = {}, ...terms }: { rights?: Partial<Rights> } & Partial<Omit<GrantTerms, 'rights'>> = {},
  ) {
    const team = this.teams.find(({ uid }) => uid === to);
    const grantee = team
      ? ({
          kind: 'team',
          uid: team.uid,
          publicKey: team.pair.publicKey,
          keyVersion: team.keyVersion,
        } as const)
      : ({ kind: 'account', ...identityOf(to) } as const);
    const whole = { ...viewRights, ...rights };
    return sealGrant(giverOf(granter), object, grantee, {
      rights: whole,
      expiresAtMs: 0,
      issuedAtMs: this.now,
      ...terms,
    });
  }

  entry(
    author: Person,
    folder: GivenObject,
    record: GivenObject,
    { rights = {}, ...place }: { rights?: Partial<Rights> } & Partial<Omit<EntryPlace, 'rights'>> = {},
  ) {
    const whole = { ...viewRights, ...rights };
    return sealEntry(giverOf(author), folder, record, {
      rights: whole,
      subfolderUid: null,
      issuedAtMs: this.now,
      ...place,
    });
  }

  /** A shared folder as its writer seals it. */
  async folder(
    writer: Person,
    folder: GivenObject,
    name: string,
    revision = 1n,
    owner = writer,
    formerKeys: readonly FormerFolderKey[] = [],
  ) {
    const scope = { folderUid: folder.uid, ownerUid: folder.ownerUid };
    const launchKey = folderLaunchKeyOf(folder.key, folder.uid);
    const sealedData = await sealFolder(launchKey, scope, revision, { name, subfolders: [], formerKeys });
    const { dataKey } = await keysOf(owner);
    return {
      folderUid: uidBytes(folder.uid),
      ownerUid: uidBytes(folder.ownerUid),
      revision,
      keyVersion: folder.keyVersion,
      sealedKey: await wrapFolderKey(dataKey, scope, folder.key),
      sealedData,
      writerUid: uidBytes(writer.accountUid),
      signature: await signFolder(writer.signer, {
        ...scope,
        revision,
        keyVersion: folder.keyVersion,
        sealedData,
      }),
    };
  }
}

export function newObject(kind: 'record' | 'folder', owner: Person): GivenObject {
  return { kind, uid: newUid(), ownerUid: owner.accountUid, key: randomBytes(32), keyVersion: 1 };
}

/** The grants on an object as a sync page has them. */
export function grantsOn(
  { kind, uid }: Pick<GivenObject, 'kind' | 'uid'>,
  ...grants: Awaited<ReturnType<Office['grant']>>[]
) {
  const objectKind = kind === 'record' ? ObjectKind.RECORD : ObjectKind.FOLDER;
  return { objectKind, objectUid: uidBytes(uid), grants };
}

const dataKeys = new WeakMap<Person, Bytes>();

async function keysOf(person: Person): Promise<AccountKeys> {
  const raw = dataKeys.get(person) ?? randomBytes(32);
  dataKeys.set(person, raw);
  const { accountUid, ecdh, signer } = person;
  const dataKey = await SymmetricKey.import(raw.slice());
  return { accountUid, ecdh, formerEcdh: [], signer, signingKey: empty, dataKey };
}

function pageOf(page: Page): SyncResponse {
  return create(SyncResponseSchema, page);
}

function giverOf({ accountUid, signer }: Person) {
  return { accountUid, signer };
}

function identityOf(to: Person | Uid) {
  if (typeof to === 'string') throw new Error('there is no such team');
  return { uid: to.accountUid, publicKey: to.ecdh.publicKey };
}

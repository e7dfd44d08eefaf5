import { newUid, type Uid } from '../../protocol/uid.ts';
import type {
  AccessView,
  AccessWay,
  GranteeRef,
  OwnershipOffer,
  PersonEntry,
  Rekeyed,
  SharingVerbs,
} from '../../workers/api/sharing.ts';
import { ProtocolError } from '../../protocol/errors.ts';

/** What a test prepares of sharing, and sees. */
export interface FakeSharing {
  readonly people: PersonEntry[];
  readonly offers: OwnershipOffer[];
  /** By object. */
  readonly access: Map<Uid, AccessView>;
  readonly sharedFolders: Map<Uid, string>;
}

const words = ['abandon', 'ability', 'able', 'about', 'above', 'absent', 'absorb', 'abstract'];
const nothing: Rekeyed = {
  ...{ givenTo: [], leftOut: [], records: 0 },
  sessions: { ended: 0, unreached: 0 },
};
const viewer = { records: 'view', manageMembers: false, manageRecords: false, owner: false } as const;

/** Sharing in memory, for screens. It seals nothing. */
export function createFakeSharing(ownUid: Uid, changed: () => void): SharingVerbs & FakeSharing {
  const people: PersonEntry[] = [];
  const offers: OwnershipOffer[] = [];
  const access = new Map<Uid, AccessView>();
  const sharedFolders = new Map<Uid, string>();

  function viewOf(objectUid: Uid): AccessView {
    const known = access.get(objectUid);
    if (known) return known;
    const kind = sharedFolders.has(objectUid) ? 'folder' : 'record';
    const own = { records: 'edit-share', manageMembers: true, manageRecords: true, owner: true } as const;
    return {
      objectUid,
      kind,
      ownerUid: ownUid,
      ownerEmail: 'me@example.test',
      own,
      mayShare: true,
      ways: [],
    };
  }
  function requireSame(grantees: readonly GranteeRef[]): void {
    const isChanged = people.some(
      ({ accountUid, pin }) => pin === 'changed' && grantees.some(({ uid }) => uid === accountUid),
    );
    if (isChanged) throw new ProtocolError('untrusted', 'the keys changed');
  }
  function give(
    objectUid: Uid,
    grantees: readonly GranteeRef[],
    rights: AccessWay['rights'],
    until: number | null,
  ) {
    requireSame(grantees);
    const view = viewOf(objectUid);
    const others = view.ways.filter(({ grantee }) => !grantees.some(({ uid }) => uid === grantee.uid));
    const ways = grantees.map((grantee): AccessWay => {
      const person = people.find(({ accountUid }) => accountUid === grantee.uid);
      return {
        ...{ grantee, rights, until, byUid: ownUid, byEmail: 'me@example.test' },
        name: person?.email ?? grantee.uid,
        pin: person ? (person.pin === 'new' ? 'pinned' : person.pin) : null,
        ...{ folderUid: null, folderName: null, offered: false, toYou: false },
      };
    });
    access.set(objectUid, { ...view, ways: [...others, ...ways] });
    changed();
  }
  const personOf = (accountUid: Uid) => {
    const person = people.find((one) => one.accountUid === accountUid);
    if (!person) throw new ProtocolError('not-found', 'nobody of the organisation');
    return person;
  };

  return {
    ...{ people, offers, access, sharedFolders },
    listPeople: async () => [...people],
    accessOf: async (objectUid) => viewOf(objectUid),
    shareRecords: async ({ recordUids, grantees, rights, expiresAt }) => {
      for (const uid of recordUids) give(uid, grantees, { ...viewer, records: rights }, expiresAt);
      return { changed: recordUids.length, of: recordUids.length, stopped: null };
    },
    shareFolder: async ({ folderUid, grantees, rights, expiresAt }) =>
      give(folderUid, grantees, { ...viewer, ...rights }, expiresAt),
    unshare: async ({ objectUid, grantees }) => {
      const view = viewOf(objectUid);
      const ways = view.ways.filter(({ grantee }) => !grantees.some(({ uid }) => uid === grantee.uid));
      access.set(objectUid, { ...view, ways });
      changed();
      const givenTo = ways.map(({ name, pin }) => ({ name, verified: pin === 'verified' }));
      return { ...nothing, givenTo, records: 1 };
    },
    leaveShares: async (granterUid) => {
      const given = [...access].filter(([, { ways }]) => ways.some(({ byUid }) => byUid === granterUid));
      for (const [uid] of given) access.delete(uid);
      changed();
      return given.length;
    },
    createSharedFolder: async (name) => {
      const uid = newUid();
      sharedFolders.set(uid, name);
      changed();
      return uid;
    },
    renameSharedFolder: async ({ folderUid, name }) => {
      sharedFolders.set(folderUid, name);
      changed();
    },
    deleteSharedFolder: async (folderUid) => {
      sharedFolders.delete(folderUid);
      changed();
    },
    addSubfolder: async () => newUid(),
    renameSubfolder: async () => {},
    removeSubfolder: async () => {},
    addToFolder: async () => {},
    removeFromFolder: async () => {},
    offerOwnership: async () => {},
    acceptOwnership: async (recordUid) => {
      const at = offers.findIndex((offer) => offer.recordUid === recordUid);
      if (at >= 0) offers.splice(at, 1);
      changed();
    },
    pendingOffers: async () => [...offers],
    fingerprintOf: async (accountUid) => {
      const { email, pin } = personOf(accountUid);
      const formerWords = pin === 'changed' ? words.toReversed() : null;
      return { accountUid, email, words, pin, formerWords };
    },
    confirmFingerprint: async ({ accountUid }) => {
      const person = personOf(accountUid);
      people[people.indexOf(person)] = { ...person, pin: 'verified' };
      changed();
    },
  };
}

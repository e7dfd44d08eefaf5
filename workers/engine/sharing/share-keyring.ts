import { copy, wipe, type Bytes } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { requireEntryKey, type FolderEntry } from '../../../protocol/sharing/folder-entry.ts';
import { openGrantKey } from '../../../protocol/sharing/grant-key.ts';
import { requireSealedKey, type SharedKind } from '../../../protocol/sharing/grant.ts';
import type { Uid } from '../../../protocol/uid.ts';
import { withEcdhKeys, type AccountKeys } from '../../../protocol/vault/account-keys.ts';
import {
  folderLaunchKeyOf,
  unwrapEntryKey,
  unwrapFolderKey,
  type EntryKeyKind,
} from '../../../protocol/vault/folder-seal.ts';
import { unwrapFormerFolderKey, type FormerFolderKey } from '../../../protocol/vault/former-folder-keys.ts';
import { recordLaunchKeyOf } from '../../../protocol/vault/launch-card.ts';
import type { KnownEntry, KnownGrant, KnownShares } from './known-shares.ts';
import type { RosterSource } from './roster-source.ts';

export interface KeyringParts {
  readonly keys: AccountKeys;
  readonly shares: () => KnownShares;
  /** The keys that the folder had before, as it says itself. */
  readonly formerKeys: (folderUid: Uid) => Promise<readonly FormerFolderKey[]>;
  readonly rosters: RosterSource;
  readonly now: () => number;
  readonly warn: (message: string) => void;
}

/** Both keys of a shared folder; the full one is null for who may only launch. */
interface FolderKeys {
  readonly keyVersion: number;
  readonly full: Bytes | null;
  readonly launch: Bytes;
}

/** The key of an object, and which of its keys it is. */
interface GivenKey {
  readonly key: Bytes;
  readonly keyVersion: number;
}

/** Folders whose keys are kept open. A person is in dozens. */
const mostFolders = 512;

/**
 * Finds the keys of other people's records by what was granted: directly, to a team, or through a shared folder. A key
 * counts only from who may give it; what the server put in on its own is never tried.
 */
export class ShareKeyring {
  readonly #parts: KeyringParts;
  #folders = new Map<string, FolderKeys>();

  constructor(parts: KeyringParts) {
    this.#parts = parts;
  }

  /** K or V of a record, 32 bytes, the caller's to wipe; null when this account has none. */
  async ofRecord(kind: EntryKeyKind, recordUid: Uid, ownerUid: Uid): Promise<Bytes | null> {
    const direct = await this.#byGrants(kind, 'record', recordUid, ownerUid);
    if (direct !== null) return direct.key;
    for (const known of this.#newestFirst(recordUid, ownerUid)) {
      const key = await this.#byEntry(kind, known);
      if (key !== null) return key;
    }
    return null;
  }

  /** FK or V(FK), 32 bytes, the caller's to wipe; null when this account has none. */
  async ofFolder(kind: EntryKeyKind, folderUid: Uid, ownerUid: Uid): Promise<Bytes | null> {
    const keys = await this.#folderKeys(folderUid, ownerUid);
    return keys && oneOf(keys, kind);
  }

  /** The full one and those that the folder had before, each 32 bytes, the caller's to wipe; none when this account has none. */
  async ofFolderEver(folderUid: Uid, ownerUid: Uid): Promise<Bytes[]> {
    const present = await this.ofFolder('full', folderUid, ownerUid);
    if (present === null) return [];
    const former = await this.#parts.formerKeys(folderUid);
    const opened = await Promise.all(former.map((key) => this.#openFormer(present, folderUid, key)));
    return [present, ...opened.flatMap((key) => key ?? [])];
  }

  /** The same of the key that an entry names: the present one, or a former one that the present one opens. */
  async ofFolderThen(kind: EntryKeyKind, entry: FolderEntry): Promise<Bytes | null> {
    const { folderUid, folderOwnerUid, folderKeyVersion } = entry;
    const folder = await this.#folderKeys(folderUid, folderOwnerUid);
    if (folder === null) return null;
    const present = oneOf(folder, kind);
    if (folder.keyVersion === folderKeyVersion) return present;
    try {
      const keys = await this.#parts.formerKeys(folderUid);
      const former = keys.find(({ keyVersion }) => keyVersion === folderKeyVersion);
      if (!former || kind === 'launch') return former ? copy(former.launchKey) : null;
      return present && (await this.#openFormer(present, folderUid, former));
    } finally {
      if (present) wipe(present);
    }
  }

  #openFormer(present: Bytes, folderUid: Uid, former: FormerFolderKey): Promise<Bytes | null> {
    return this.#orNull(() => unwrapFormerFolderKey(present, folderUid, former));
  }

  /** The keys of a folder are looked for anew: something about it changed. */
  forget(): void {
    for (const { full, launch } of this.#folders.values()) wipe(launch, ...(full ? [full] : []));
    this.#folders = new Map();
  }

  async #byEntry(kind: EntryKeyKind, { entry, message }: KnownEntry): Promise<Bytes | null> {
    const full = await this.#unwrap('full', copy(message.sealedKey), entry);
    if (full !== null && kind === 'full') return full;
    if (full !== null) return launchOf('record', full, entry.recordUid);
    if (kind === 'full') return null;
    return await this.#unwrap('launch', copy(message.sealedLaunchKey), entry);
  }

  async #unwrap(kind: EntryKeyKind, sealed: Bytes, entry: FolderEntry): Promise<Bytes | null> {
    const folderKey = sealed.length > 0 ? await this.ofFolderThen(kind, entry) : null;
    if (folderKey === null) return null;
    const key = await this.#orNull(async () => {
      requireEntryKey(entry, kind, sealed);
      return await unwrapEntryKey(folderKey, kind, entry, sealed);
    });
    wipe(folderKey);
    return key;
  }

  /** Copies, the caller's to wipe: those that are kept are wiped whenever something changes, while they are used, too. */
  async #folderKeys(folderUid: Uid, ownerUid: Uid): Promise<FolderKeys | null> {
    const name = `${folderUid} ${ownerUid}`;
    const known = this.#folders.get(name);
    if (known) return copyOf(known);
    const before = this.#folders;
    const keys = await this.#findFolderKeys(folderUid, ownerUid);
    if (keys === null || this.#folders !== before) return keys; // found by what may have changed since: not to be kept
    if (before.size >= mostFolders) this.forget();
    this.#folders.set(name, keys);
    return copyOf(keys);
  }

  async #findFolderKeys(folderUid: Uid, ownerUid: Uid): Promise<FolderKeys | null> {
    const found = await this.#fullFolderKey(folderUid, ownerUid);
    if (found !== null) {
      const { key: full, keyVersion } = found;
      return { full, launch: folderLaunchKeyOf(full, folderUid), keyVersion };
    }
    const given = await this.#byGrants('launch', 'folder', folderUid, ownerUid);
    return given && { full: null, launch: given.key, keyVersion: given.keyVersion };
  }

  async #fullFolderKey(folderUid: Uid, ownerUid: Uid): Promise<GivenKey | null> {
    const { keys, shares } = this.#parts;
    if (ownerUid !== keys.accountUid) return await this.#byGrants('full', 'folder', folderUid, ownerUid);
    const message = shares().folders.get(folderUid)?.message;
    if (!message) return null;
    const scope = { folderUid, ownerUid };
    const key = await this.#orNull(() => unwrapFolderKey(keys.dataKey, scope, message.sealedKey));
    return key && { key, keyVersion: message.keyVersion };
  }

  async #byGrants(
    kind: EntryKeyKind,
    objectKind: SharedKind,
    uid: Uid,
    ownerUid: Uid,
  ): Promise<GivenKey | null> {
    for (const known of this.#grantsFor(objectKind, uid, ownerUid)) {
      const { keyVersion, rights } = known.grant;
      const { launchOnly } = rights;
      if (launchOnly && kind === 'full') continue;
      const key = await this.#orNull(() => this.#openGrant(known));
      if (key === null) continue;
      return { key: kind === 'launch' && !launchOnly ? launchOf(objectKind, key, uid) : key, keyVersion };
    }
    return null;
  }

  /** Those to this account or a team of it whose granters may give them, of the newest key first. */
  #grantsFor(kind: SharedKind, uid: Uid, ownerUid: Uid): readonly KnownGrant[] {
    const { shares, rosters, now } = this.#parts;
    const rules = shares().rules(rosters.roster);
    return shares()
      .grantsOf(kind, uid)
      .filter(({ grant }) => grant.ownerUid === ownerUid && this.#isMine(grant.granteeUid, grant.granteeKind))
      .filter(({ grant }) => rules.ofGrant(grant, now()) !== null)
      .toSorted((one, other) => other.grant.keyVersion - one.grant.keyVersion);
  }

  #newestFirst(recordUid: Uid, ownerUid: Uid): readonly KnownEntry[] {
    const { shares, rosters, now } = this.#parts;
    const rules = shares().rules(rosters.roster);
    return shares()
      .entriesOf(recordUid)
      .filter(({ entry }) => entry.recordOwnerUid === ownerUid && rules.ofEntry(entry, now()) !== null)
      .toSorted((one, other) => other.entry.recordKeyVersion - one.entry.recordKeyVersion);
  }

  #isMine(granteeUid: Uid, kind: 'account' | 'team'): boolean {
    const { accountUid } = this.#parts.keys;
    if (kind === 'account') return granteeUid === accountUid;
    const { teams } = this.#parts.rosters.roster;
    return teams.some(({ teamUid, memberUids }) => teamUid === granteeUid && memberUids.includes(accountUid));
  }

  async #openGrant({ grant, message }: KnownGrant): Promise<Bytes> {
    requireSealedKey(grant, message.sealedKey);
    const scope = { ...grant, launchOnly: grant.rights.launchOnly };
    const { keys, rosters } = this.#parts;
    if (grant.granteeKind === 'account')
      return await withEcdhKeys(keys, (pair) => openGrantKey(pair, scope, message.sealedKey));
    // Sealed to the key that the team had then.
    const pairs = await rosters.teamKeys(grant.granteeUid);
    if (pairs.length === 0) throw new ProtocolError('not-found', 'the team’s key is not here');
    return await Promise.any(pairs.map((pair) => openGrantKey(pair, scope, message.sealedKey))).catch(() => {
      throw new ProtocolError('open-failed');
    });
  }

  async #orNull(open: () => Promise<Bytes>): Promise<Bytes | null> {
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#parts.warn(`a shared key was not used: ${error.code}`);
      return null;
    }
  }
}

/** The launch key that follows from the full one, which is wiped. */
function launchOf(kind: SharedKind, full: Bytes, uid: Uid): Bytes {
  const launch = kind === 'record' ? recordLaunchKeyOf(full, uid) : folderLaunchKeyOf(full, uid);
  wipe(full);
  return launch;
}

function copyOf({ full, launch, keyVersion }: FolderKeys): FolderKeys {
  return { full: full && copy(full), launch: copy(launch), keyVersion };
}

/** The one; the other is wiped. */
function oneOf({ full, launch }: FolderKeys, kind: EntryKeyKind): Bytes | null {
  if (kind === 'full') {
    wipe(launch);
    return full;
  }
  if (full) wipe(full);
  return launch;
}

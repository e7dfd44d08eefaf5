import { create } from '@bufbuild/protobuf';
import { empty } from '../../../protocol/bytes.ts';
import { limits } from '../../../protocol/limits.ts';
import {
  SecretFolderSchema,
  SecretsService,
  type SecretFolder,
} from '../../../protocol/messages/gen/secrets_pb.js';
import { sealSecretFolderName, wrapSubfolderKey } from '../../../protocol/secrets-manager/secret-seal.ts';
import { uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import type { VaultSession } from '../connection/vault-session.ts';
import { isLimit, sendEach } from './refusals.ts';
import { inParts, type Round } from './round.ts';
import type { WantedFolder } from './wanted.ts';

/** Keeps shared folders and their subfolders as applications see them. */
export class FolderKeeper {
  readonly #session: VaultSession;
  readonly #warn: (message: string) => void;

  constructor(session: VaultSession, warn: (message: string) => void) {
    this.#session = session;
    this.#warn = warn;
  }

  async keep(round: Round): Promise<void> {
    await this.#remove(round);
    await this.#put(round);
  }

  /** What an application has just made, or asked to be rid of, waits for a word on that. */
  async #remove(round: Round): Promise<void> {
    const { wanted, state, waiting } = round;
    const surplus = [...state.folders]
      .filter(([uid, { baseRevision }]) => !wanted.folders.has(uid) && baseRevision > 0n && !waiting.has(uid))
      .map(([uid]) => uid)
      .concat(rekeyed(round).filter((uid) => !waiting.has(uid)));
    for (const part of inParts(surplus, limits.changesPerRequest)) {
      round.going();
      await this.#session.call(SecretsService.method.putSecretFolders, { removed: part.map(uidBytes) });
      for (const uid of part) forget(round, uid);
    }
  }

  /** Each after the one that it is in. */
  async #put(round: Round): Promise<void> {
    const { wanted, state, taken } = round;
    const left = new Set(rekeyed(round));
    const present = [...wanted.folders.values()].filter(({ rootUid }) => !left.has(rootUid));
    const stale = present.filter(
      (folder) => taken.folders.has(folder.uid) || isStale(folder, state.folders.get(folder.uid)),
    );
    for (const part of inParts(stale, limits.changesPerRequest)) {
      try {
        await this.#putTrees(round, part);
      } catch (error) {
        if (!isLimit(error)) throw error;
        this.#warn('applications have as many folders as they may');
        // What is there stays as the vault has it, and what comes after the folders is not kept from applications.
        const known = part.filter(({ uid }) => state.folders.has(uid));
        await this.#putTrees(round, known);
      }
    }
  }

  async #putTrees(round: Round, part: readonly WantedFolder[]): Promise<void> {
    round.going();
    await sendEach(
      [...Map.groupBy(part, ({ rootUid }) => rootUid).values()],
      (trees) => this.#send(round, trees.flat()),
      ([folder], code) => this.#warn(`a folder was not given to applications: ${folder?.rootUid} ${code}`),
    );
  }

  async #send(round: Round, part: readonly WantedFolder[]): Promise<void> {
    const { state, wanted, taken } = round;
    const folders = await Promise.all(part.map((folder) => sealFolder(folder, wanted.folders)));
    const names = part.flatMap(({ uid }) => {
      const write = taken.folders.get(uid);
      return write === undefined ? [] : [{ objectUid: uidBytes(uid), write }];
    });
    await this.#session.call(SecretsService.method.putSecretFolders, { folders, taken: names });
    for (const folder of folders) state.folders.set(uidOf(folder.folderUid), folder);
    for (const { uid } of part) taken.folders.delete(uid);
    round.changed = true;
  }
}

/**
 * Shared folders under another key than the one that the server has: with the folder go the keys of records that it held, and
 * all of them are made anew, also after this was cut off.
 */
function rekeyed({ wanted, state }: Round): Uid[] {
  return [...wanted.folders.values()]
    .filter(({ uid, rootUid, keyVersion }) => {
      const known = state.folders.get(uid);
      return uid === rootUid && known !== undefined && known.keyVersion !== keyVersion;
    })
    .map(({ uid }) => uid);
}

/**
 * A newer revision is another device's, which knows more. What an application created goes by taking that over, and in no other way:
 * where that cannot be, it stays as it is until a person has dismissed it.
 */
function isStale(folder: WantedFolder, known: SecretFolder | undefined): boolean {
  if (!known) return true;
  if (known.baseRevision === 0n) return false;
  if (known.baseRevision > folder.revision) return false;
  const parentUid = known.parentUid.length > 0 ? uidOf(known.parentUid) : null;
  const isSame = known.keyVersion === folder.keyVersion && parentUid === folder.parentUid;
  return known.baseRevision < folder.revision || !isSame;
}

async function sealFolder(
  { uid, rootUid, parentUid, name, key, revision, keyVersion }: WantedFolder,
  folders: ReadonlyMap<Uid, WantedFolder>,
): Promise<SecretFolder> {
  const root = folders.get(rootUid);
  return create(SecretFolderSchema, {
    folderUid: uidBytes(uid),
    rootUid: uidBytes(rootUid),
    parentUid: parentUid === null ? empty : uidBytes(parentUid),
    wrappedKey: root && uid !== rootUid ? await wrapSubfolderKey(root.key, key) : empty,
    data: await sealSecretFolderName(key, name),
    baseRevision: revision,
    keyVersion,
  });
}

/** With it went its subfolders, and records are not shown there any more. */
function forget(round: Round, uid: Uid): void {
  const { folders, records } = round.state;
  folders.delete(uid);
  for (const [below, { rootUid }] of folders) if (uidOf(rootUid) === uid) folders.delete(below);
  for (const [recordUid, known] of records) {
    const isInside =
      known.places.has(uid) || known.holders.has(uid) || [...known.places.values()].includes(uid);
    if (!isInside) continue;
    const places = [...known.places].filter(([root]) => root !== uid);
    records.set(recordUid, {
      ...known,
      holders: new Set([...known.holders].filter((holder) => holder !== uid)),
      places: new Map(places.map(([root, sub]) => [root, sub === uid ? null : sub])),
    });
  }
  round.changed = true;
}

import { create } from '@bufbuild/protobuf';
import { empty, equal, wipe, type Bytes } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { SecretsService, SecretShareSchema } from '../../../protocol/messages/gen/secrets_pb.js';
import { unwrapSecretKey, wrapSecretKey } from '../../../protocol/secrets-manager/secret-seal.ts';
import { uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import type { VaultSession } from '../connection/vault-session.ts';
import { sendEach } from './refusals.ts';
import { inParts, type Round } from './round.ts';
import { shareName } from './server-state.ts';
import type { WantedShare } from './wanted.ts';

/** Keeps the server's list of what each application has. */
export class ShareKeeper {
  readonly #session: VaultSession;
  readonly #warn: (message: string) => void;

  constructor(session: VaultSession, warn: (message: string) => void) {
    this.#session = session;
    this.#warn = warn;
  }

  /** What is not wanted any more goes, before anything else is done. */
  async remove(round: Round): Promise<void> {
    const wanted = new Set(
      round.wanted.shares.map(({ applicationUid, uid }) => shareName(applicationUid, uid)),
    );
    const surplus = [...round.state.shares].filter(([name]) => !wanted.has(name)).map(([, share]) => share);
    const byApplication = Map.groupBy(surplus, ({ applicationUid }) => uidOf(applicationUid));
    for (const [applicationUid, shares] of byApplication) {
      const objects = shares.map(({ objectUid }) => uidOf(objectUid));
      for (const part of inParts(objects, limits.changesPerRequest)) {
        round.going();
        await this.unshare(applicationUid, part);
        forget(round, applicationUid, part);
      }
    }
  }

  /** Throws `not-found` for an application that is gone. */
  async unshare(applicationUid: Uid, objectUids: readonly Uid[]): Promise<void> {
    await this.#session.call(SecretsService.method.removeSecretShares, {
      applicationUid: uidBytes(applicationUid),
      objectUids: objectUids.map(uidBytes),
    });
  }

  /** Shared folders once the server has them, with their keys. */
  async putFolders(round: Round): Promise<void> {
    const { wanted, state } = round;
    const there = wanted.shares.filter(({ kind, uid }) => kind === 'folder' && state.folders.has(uid));
    const missing: (WantedShare & { readonly wrappedKey: Bytes })[] = [];
    for (const share of there) {
      const applicationKey = round.holderKeys.get(share.applicationUid);
      const folderKey = round.holderKeys.get(share.uid);
      if (!applicationKey || !folderKey || (await this.#isThere(round, share, applicationKey, folderKey)))
        continue;
      missing.push({ ...share, wrappedKey: await wrapSecretKey(applicationKey, folderKey) });
    }
    await this.#put(round, missing);
  }

  /** Records once the server has their versions. */
  async putRecords(round: Round): Promise<void> {
    const { wanted, state } = round;
    const missing = wanted.shares.filter((share) => {
      const { kind, uid, applicationUid, editable } = share;
      const known = state.shares.get(shareName(applicationUid, uid));
      const isThere = known && !known.isFolder && known.editable === editable;
      return kind === 'record' && !isThere && state.records.get(uid)?.holders.has(applicationUid);
    });
    await this.#put(
      round,
      missing.map((share) => ({ ...share, wrappedKey: empty })),
    );
  }

  /** A server may have put another key there, and a folder's key is another one once somebody is out. */
  async #isThere(
    { state }: Round,
    { applicationUid, uid, editable }: WantedShare,
    applicationKey: Bytes,
    folderKey: Bytes,
  ): Promise<boolean> {
    const known = state.shares.get(shareName(applicationUid, uid));
    if (!known?.isFolder || known.editable !== editable) return false;
    try {
      const key = await unwrapSecretKey(applicationKey, known.wrappedKey);
      const isSame = equal(key, folderKey);
      wipe(key);
      return isSame;
    } catch (error) {
      if (error instanceof ProtocolError) return false;
      throw error;
    }
  }

  async #put(
    round: Round,
    shares: readonly (WantedShare & { readonly wrappedKey: Uint8Array })[],
  ): Promise<void> {
    for (const part of inParts(shares, limits.changesPerRequest)) {
      round.going();
      await sendEach(
        part,
        (some) => this.#send(round, some),
        ({ uid }, code) => this.#warn(`an application was not given ${uid}: ${code}`),
      );
    }
  }

  async #send(
    round: Round,
    part: readonly (WantedShare & { readonly wrappedKey: Uint8Array })[],
  ): Promise<void> {
    const shares = part.map(({ applicationUid, uid, kind, editable, wrappedKey }) =>
      create(SecretShareSchema, {
        applicationUid: uidBytes(applicationUid),
        objectUid: uidBytes(uid),
        isFolder: kind === 'folder',
        ...{ editable, wrappedKey },
      }),
    );
    await this.#session.call(SecretsService.method.putSecretShares, { shares });
    for (const share of shares)
      round.state.shares.set(shareName(uidOf(share.applicationUid), uidOf(share.objectUid)), share);
    round.changed = true;
  }
}

/** With the share of a record went its keys. */
function forget(round: Round, applicationUid: Uid, objects: readonly Uid[]): void {
  const { shares, records } = round.state;
  for (const uid of objects) {
    shares.delete(shareName(applicationUid, uid));
    const known = records.get(uid);
    if (known?.holders.has(applicationUid))
      records.set(uid, {
        ...known,
        holders: new Set([...known.holders].filter((one) => one !== applicationUid)),
      });
  }
  round.changed = true;
}

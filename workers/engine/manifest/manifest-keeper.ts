import type { MessageInitShape } from '@bufbuild/protobuf';
import { copy, type Bytes } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { decodeMessage } from '../../../protocol/messages/decode.ts';
import { encodeMessage } from '../../../protocol/messages/encode.ts';
import { SealedManifestSchema, type SealedManifest } from '../../../protocol/messages/gen/manifest_pb.js';
import type { Uid } from '../../../protocol/uid.ts';
import type { AccountKeys } from '../../../protocol/vault/account-keys.ts';
import {
  follows,
  newManifest,
  nextManifest,
  openManifest,
  sealManifest,
  type Manifest,
  type ManifestElement,
} from '../../../protocol/vault/manifest.ts';
import type { StoredManifest } from '../storage.ts';
import type { VaultSet } from './vault-set.ts';

export interface ManifestChange {
  readonly out: readonly ManifestElement[];
  readonly in: readonly ManifestElement[];
}

export interface KeeperParts {
  readonly keys: AccountKeys;
  readonly set: VaultSet;
  /** Everything that the manifest is to cover, as it is known here. */
  readonly elements: () => Iterable<ManifestElement>;
  readonly rosterVersion: () => bigint;
  /** Asks for a roster of at least that version; resolves when it is here, or not to be had. */
  readonly rosterAtLeast: (version: bigint) => Promise<void>;
  readonly deviceUid: Uid;
}

/** What a sync found. `fits`: nothing was left out, rolled back or added. */
export type Verdict = { readonly fits: boolean; readonly manifest: StoredManifest | null };

/** The newest manifest that this device has seen, and the next one for every write. protocol.md §9.7. */
export class ManifestKeeper {
  readonly #parts: KeeperParts;
  #newest: Manifest | null = null;
  /** What the server showed last that this account signed, whether it fitted or not. */
  #shown: Manifest | null = null;
  /** Of all that were shown and that this account signed: the highest. */
  #highest = 0n;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
  }

  /** The one of the last visit. */
  async load(stored: StoredManifest | null): Promise<void> {
    if (stored === null) return;
    this.#newest = await openManifest(this.#parts.keys, decodeMessage(SealedManifestSchema, stored.bytes));
  }

  /**
   * Takes the server's manifest over and compares it with what is here. One that did not grow from the last one, or
   * none where there must be one, does not fit; nor does one that was written under a newer roster than the server shows:
   * whoever is shared with would be looked for among former members. Throws `untrusted` when the vault was used by a newer version of this code.
   */
  async judge(shown: SealedManifest | undefined): Promise<Verdict> {
    if (!shown) return { fits: this.#newest === null && isNone(this.#parts.elements()), manifest: null };
    const manifest = await this.#opened(shown);
    this.#shown = manifest;
    if (manifest !== null && manifest.version > this.#highest) this.#highest = manifest.version;
    if (manifest === null || (this.#newest !== null && !follows(manifest, this.#newest))) return misfit;
    if (!(await this.#isUnderKnownRoster(manifest))) return misfit;
    this.#newest = manifest;
    this.#parts.set.useKey(manifest.setKey, this.#parts.elements);
    const bytes = copy(encodeMessage(SealedManifestSchema, shown));
    return { fits: this.#parts.set.fits(manifest), manifest: { version: manifest.version, bytes } };
  }

  /** How many things the shown manifest covers; null without one. */
  get covered(): number | null {
    return this.#shown && Number(this.#shown.count);
  }

  /** Whether the shown manifest was written under a newer roster than the server shows. */
  get isRosterBehind(): boolean {
    return this.#shown !== null && this.#shown.rosterVersion > this.#parts.rosterVersion();
  }

  /** Whether everything would fit once those were gone. */
  fitsWithout(elements: readonly ManifestElement[]): boolean {
    return this.#newest !== null && this.#parts.set.fits(this.#newest, elements);
  }

  /** The manifest after that change, sealed and signed. */
  async next(change: ManifestChange): Promise<MessageInitShape<typeof SealedManifestSchema>> {
    const rosterVersion = this.#parts.rosterVersion();
    const before = this.#newest ?? newManifest(rosterVersion);
    return await sealManifest(
      this.#parts.keys,
      nextManifest(before, change, rosterVersion, this.#parts.deviceUid),
    );
  }

  /** One over exactly what is here, under a new set key, after all that were seen: for a repair. */
  async anew(): Promise<MessageInitShape<typeof SealedManifestSchema>> {
    const { keys, elements, rosterVersion, deviceUid } = this.#parts;
    const fresh = newManifest(rosterVersion());
    const seen = this.#newest ?? fresh;
    const version = seen.version > this.#highest ? seen.version : this.#highest;
    const { setKey, digest, count } = fresh;
    const before = { ...seen, version, setKey, digest, count };
    const change = { out: [], in: [...elements()] };
    return await sealManifest(keys, nextManifest(before, change, rosterVersion(), deviceUid));
  }

  /** The next one over these, under other keys of the account and another set key: nothing of the former keys is in it. */
  async underKeys(
    keys: AccountKeys,
    elements: Iterable<ManifestElement>,
  ): Promise<{ version: bigint; sealed: Bytes; signature: Bytes }> {
    const { rosterVersion, deviceUid } = this.#parts;
    const fresh = newManifest(rosterVersion());
    const { setKey, digest, count } = fresh;
    const before = { ...(this.#newest ?? fresh), setKey, digest, count };
    const change = { out: [], in: [...elements] };
    return await sealManifest(keys, nextManifest(before, change, rosterVersion(), deviceUid));
  }

  async #isUnderKnownRoster({ rosterVersion }: Manifest): Promise<boolean> {
    if (rosterVersion > this.#parts.rosterVersion()) await this.#parts.rosterAtLeast(rosterVersion);
    return rosterVersion <= this.#parts.rosterVersion();
  }

  /** One that does not open is none of ours: it is as if the server had shown something else. */
  async #opened(shown: SealedManifest): Promise<Manifest | null> {
    try {
      return await openManifest(this.#parts.keys, shown);
    } catch (error) {
      if (error instanceof ProtocolError && error.code !== 'untrusted') return null;
      throw error;
    }
  }
}

const misfit: Verdict = { fits: false, manifest: null };

function isNone(elements: Iterable<ManifestElement>): boolean {
  for (const _ of elements) return false;
  return true;
}

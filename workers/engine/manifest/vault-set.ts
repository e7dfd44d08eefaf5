import { copy, equal, type Bytes } from '../../../protocol/bytes.ts';
import {
  elementMacs,
  fitsManifest,
  toggle,
  type Manifest,
  type ManifestElement,
} from '../../../protocol/vault/manifest.ts';

/** What the digest was at one moment, to be kept with a snapshot. */
export interface SetState {
  readonly setKey: Bytes;
  readonly digest: Bytes;
  readonly count: number;
}

/**
 * The digest of what is here of the account's own things, kept up with every change. Until a manifest has told the set
 * key there is none.
 */
export class VaultSet {
  #state: { setKey: Bytes; digest: Bytes; count: number } | null = null;
  #mac: ReturnType<typeof elementMacs> | null = null;

  get state(): SetState | null {
    return this.#state && { ...this.#state, digest: copy(this.#state.digest) };
  }

  restore(state: SetState | null): void {
    this.#state = state && { ...state, digest: copy(state.digest) };
    this.#mac = null;
  }

  /** Takes the set key of a manifest over; everything is counted once when it is another one than before. */
  useKey(setKey: Bytes, elements: () => Iterable<ManifestElement>): void {
    if (this.#state && equal(this.#state.setKey, setKey)) return;
    this.#state = { setKey, digest: new Uint8Array(32), count: 0 };
    this.#mac = null;
    for (const element of elements()) this.change(null, element);
  }

  /** One thing went out of the vault, another came in. */
  change(out: ManifestElement | null, into: ManifestElement | null): void {
    if (this.#state === null || (out && into && isSame(out, into))) return;
    this.#mac ??= elementMacs(this.#state.setKey);
    for (const element of [out, into]) if (element) toggle(this.#state.digest, this.#mac(element));
    this.#state.count += (into ? 1 : 0) - (out ? 1 : 0);
  }

  /** Whether what is here is exactly what the manifest covers, once those elements were gone. */
  fits(manifest: Manifest, without: readonly ManifestElement[] = []): boolean {
    for (const element of without) this.change(element, null);
    const fits = this.#state !== null && fitsManifest(manifest, this.#state.digest, this.#state.count);
    for (const element of without) this.change(null, element);
    return fits;
  }
}

function isSame(one: ManifestElement, other: ManifestElement): boolean {
  return (
    one.kind === other.kind &&
    one.uid === other.uid &&
    one.revision === other.revision &&
    one.deleted === other.deleted &&
    equal(one.tag, other.tag)
  );
}

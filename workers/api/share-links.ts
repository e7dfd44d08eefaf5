import type { FieldPath } from './records.ts';
import type { Uid } from '../../protocol/uid.ts';

/** One-time links for people without an account. */
export interface ShareLinkVerbs {
  /**
   * Seals what was chosen of a record, as it is now, and gives the link: the only place where its key ever is. Rejects
   * with `too-large` over 64 KiB.
   */
  createShareLink(input: NewShareLink): Promise<{ linkUid: Uid; url: string }>;
  /** Those that can still be opened, the newest first. */
  listShareLinks(): Promise<ShareLinkView[]>;
  /** From now on nobody opens it. Rejects with `not-found` when it is gone already. */
  revokeShareLink(linkUid: Uid): Promise<void>;

  /** Without an account: what is left of a link, given its fragment. Uses up nothing. Rejects with `not-found`. */
  peekShareLink(link: string): Promise<SharePeek>;
  /**
   * Without an account: uses up one view. Secret values stay in the worker until they are asked for. Rejects with
   * `not-found`, and with `not-allowed` when it was opened in another browser first.
   */
  openShareLink(link: string): Promise<SharedView>;
  /** One secret value of what was opened last. */
  revealShared(index: number): Promise<string>;
  /** Forgets what was opened. */
  closeShareLink(): Promise<void>;
}

export interface NewShareLink {
  readonly recordUid: Uid;
  /** What the viewer calls each value. */
  readonly fields: readonly { readonly path: FieldPath; readonly label: string }[];
  /** The record's notes too. */
  readonly notes: boolean;
  /** Milliseconds from now, up to 90 days. */
  readonly lastsMs: number;
  /** 1 to 100. */
  readonly views: number;
  /** Whoever opens it first binds it to their browser. */
  readonly oneBrowser: boolean;
}

export interface ShareLinkView {
  readonly linkUid: Uid;
  /** Of the record when the link was made. */
  readonly title: string;
  readonly recordUid: Uid;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly views: number;
  readonly viewsLeft: number;
  readonly oneBrowser: boolean;
  /** 0: never. */
  readonly lastOpenedAt: number;
}

export interface SharePeek {
  readonly expiresAt: number;
  readonly viewsLeft: number;
  readonly oneBrowser: boolean;
}

export interface SharedView {
  readonly title: string;
  readonly note: string;
  /** `value` is null for a secret: see revealShared. */
  readonly fields: readonly { readonly label: string; readonly value: string | null }[];
  readonly viewsLeft: number;
}

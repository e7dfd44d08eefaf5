// The three calls by which workers reach each other. Messages are hints: the truth is in the store.
import { equal } from '../../../protocol/bytes.ts';
import type { ErrorCode } from '../../../protocol/errors.ts';
import type { Uid } from '../../../protocol/uid.ts';

/** Every link of an account. */
export type AccountSubject = `acct.${Uid}`;
/** The one link of a gateway. */
export type GatewaySubject = `gw.${Uid}`;

export type AccountMessage =
  | { readonly kind: 'new-data'; readonly cursor: number }
  | { readonly kind: 'gateway-status'; readonly gatewayUid: Uid; readonly online: boolean }
  | { readonly kind: 'signed-out'; readonly which: EndedSessions }
  /** Devices, factors, or the devices that wait for approval changed. */
  | { readonly kind: 'account-news' }
  /** Roster, settings, keys or invitations of its organisation changed. */
  | { readonly kind: 'organisation-news' }
  /** A live session was shared with it, or is not any more. */
  | { readonly kind: 'session-share-news' }
  /** Of an administrator: sessions of that gateway began or ended, or it came or went. */
  | { readonly kind: 'live-session-news'; readonly gatewayUid: Uid }
  /** An application wrote something, or a device of it used its token. */
  | { readonly kind: 'secret-news' }
  | {
      readonly kind: 'signal';
      readonly gatewayUid: Uid;
      readonly sessionUid: Uid;
      readonly sealed: Uint8Array;
    }
  | { readonly kind: 'session-ended'; readonly gatewayUid: Uid; readonly sessionUid: Uid };

/** By the hash of their tokens. */
export type EndedSessions = { readonly only: Uint8Array } | { readonly except: Uint8Array | null };

export function isEnded(tokenHash: Uint8Array, which: EndedSessions): boolean {
  if ('only' in which) return equal(which.only, tokenHash);
  return which.except === null || !equal(which.except, tokenHash);
}

/** The vault's end of a session. */
export interface VaultEnd {
  readonly accountUid: Uid;
  readonly deviceUid: Uid;
}

export type GatewayMessage =
  | {
      readonly kind: 'signal';
      readonly from: VaultEnd;
      readonly sessionUid: Uid;
      readonly sealed: Uint8Array;
    }
  | {
      /** `signed-out`: its session at the server is over, or its device or account gone. Its sessions end. */
      readonly kind: 'vault-gone' | 'signed-out';
      readonly from: VaultEnd;
      readonly sessionUids: readonly Uid[];
    }
  /** A vault's half of a detour waits for it. */
  | { readonly kind: 'detour-wanted'; readonly ticket: Uint8Array }
  /** There is a newer roster. */
  | { readonly kind: 'roster' }
  /** Its client was removed or may no longer enter. */
  | { readonly kind: 'removed' };

export type GatewayRequest =
  | { readonly kind: 'presence' }
  | {
      readonly kind: 'command';
      readonly from: VaultEnd;
      /** Encoded SignedCommand. */
      readonly command: Uint8Array;
      /** What a connect command begins, or a resume command goes on with. */
      readonly session: NewSession | null;
      /** Of the gateway's half of its detour; null: it has none. */
      readonly detourTicket: Uint8Array | null;
    };

export interface NewSession {
  readonly sessionUid: Uid;
  /** Of a guest's session, its share: a record is no more in use by them. */
  readonly recordUid: Uid;
  /** Of the record's policy; 0 is the gateway's own limit. */
  readonly maxSessions: number;
  /** It may be there already, if it is the same vault's: the router may have lost it since. */
  readonly resumes: boolean;
}

export type GatewayAnswer =
  /** Encoded CommandReply. */
  | { readonly kind: 'reply'; readonly reply: Uint8Array }
  | { readonly kind: 'failure'; readonly code: ErrorCode; readonly message: string }
  | { readonly kind: 'presence'; readonly online: boolean; readonly since: number };

export interface GatewaySubscriber {
  onMessage(message: GatewayMessage): void;
  onRequest(request: GatewayRequest): Promise<GatewayAnswer>;
}

export type Unsubscribe = () => void;

export interface Head {
  /** Reaches every subscriber of this moment; having none is no error. */
  publish(subject: AccountSubject, message: AccountMessage): void;
  publish(subject: GatewaySubject, message: GatewayMessage): void;
  /** The subscriber's answer. With no subscriber, null at once: an absent gateway costs no waiting. */
  request(subject: GatewaySubject, request: GatewayRequest): Promise<GatewayAnswer | null>;
  subscribe(subject: AccountSubject, subscriber: (message: AccountMessage) => void): Unsubscribe;
  subscribe(subject: GatewaySubject, subscriber: GatewaySubscriber): Unsubscribe;
}

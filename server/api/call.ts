import type { DescMethod, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import type { Uid } from '../../protocol/uid.ts';
import type { GatewayClient } from '../applications/gateway-client.ts';

/** What a handler knows about who calls. */
export interface Call {
  readonly address: string;
  /** Name and port that the request was sent to: the caller's text. */
  readonly host: string;
  readonly now: number;
}

export interface SignedInCall extends Call {
  readonly session: Session;
}

export interface GatewayCall extends Call {
  readonly gateway: GatewayClient;
}

export interface Session {
  readonly tokenHash: Uint8Array;
  readonly accountUid: Uid;
  readonly deviceUid: Uid;
  readonly devicePublicKey: Uint8Array;
  readonly loginAt: number;
  readonly expiresAt: number;
}

export type Reply<M extends DescMethod> = Promise<MessageInitShape<M['output']>>;

/** One method. Who may call it is part of its definition, never a matter of its URL. */
export type Handler<M extends DescMethod> =
  | {
      readonly access: 'open';
      readonly handle: (input: MessageShape<M['input']>, call: Call) => Reply<M>;
    }
  | {
      readonly access: 'signed-in';
      readonly handle: (input: MessageShape<M['input']>, call: SignedInCall) => Reply<M>;
    }
  | {
      readonly access: 'gateway';
      readonly handle: (input: MessageShape<M['input']>, call: GatewayCall) => Reply<M>;
    };

/** A handler for every method of a service: a missing one does not compile. */
export type Handlers<S extends { readonly method: Readonly<Record<string, DescMethod>> }> = {
  readonly [Name in keyof S['method']]: Handler<S['method'][Name]>;
};

/** Callable before sign-in. */
export function open<I, O>(handle: (input: I, call: Call) => Promise<O>) {
  return { access: 'open', handle } as const;
}

/** Callable with a session whose device signed the call. */
export function signedIn<I, O>(handle: (input: I, call: SignedInCall) => Promise<O>) {
  return { access: 'signed-in', handle } as const;
}

/** Callable by a gateway, whose device signed the call. */
export function byGateway<I, O>(handle: (input: I, call: GatewayCall) => Promise<O>) {
  return { access: 'gateway', handle } as const;
}

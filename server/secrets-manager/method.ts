// What a method of the secrets-manager API is to the desk that admits its callers. protocol.md §31.3.
import { utf8 } from '../../protocol/bytes.ts';
import type { ClientPayload } from '../../protocol/secrets-manager/requests.ts';
import type { Head } from '../router/head/head.ts';
import type { Database, Tx } from '../store/database.ts';
import type { Caller } from './callers.ts';
import { SecretsRefusal } from './refusal.ts';
import { markOnce } from './request-marks.ts';

/** Somebody who was admitted: a client with a request, or with an address of a file. */
export interface SecretsVisit {
  readonly caller: Caller;
  /** As in the path. */
  readonly method: string;
  readonly address: string;
  readonly now: number;
}

/** A request whose sender was admitted. */
export interface SecretsCall extends SecretsVisit {
  /** Names this very request: SHA-256 of its wrapped transmission key, 32 bytes. */
  readonly mark: Uint8Array;
}

/** What methods need of the server. */
export interface SecretsStore {
  readonly db: Database;
  readonly head: Head;
}

/** JSON that is there as bytes, in parts: what is kept of an answer is in no need of a copy for each time. */
export class JsonParts {
  readonly parts: readonly Uint8Array[];

  constructor(...parts: readonly Uint8Array[]) {
    this.parts = parts;
  }
}

/** JSON value of a status 200 response, or its bytes; null: an empty body. */
export type SecretsAnswer = object | JsonParts | null;

/** The plaintext of its body; none: the body is empty. */
export function partsOf(answer: SecretsAnswer): readonly Uint8Array[] {
  if (answer === null) return [];
  return answer instanceof JsonParts ? answer.parts : [utf8(JSON.stringify(answer))];
}

/** One method: reads its payload strictly, and does it. Throws ProtocolError or SecretsRefusal. */
export type SecretsMethod = (call: SecretsCall, payload: unknown) => Promise<SecretsAnswer>;

export type SecretsMethods = ReadonlyMap<string, SecretsMethod>;

/** A method that changes nothing. */
export function reading<P extends ClientPayload>(
  parse: (payload: unknown) => P,
  run: (call: SecretsCall, payload: P) => Promise<SecretsAnswer>,
): SecretsMethod {
  return (call, payload) => run(call, parse(payload));
}

/**
 * A method that writes, in one transaction: when it is answered all of it is durable, and the account's vaults hear of it. Only for
 * devices that have used their token: of two that use one at once, the later one must leave nothing behind.
 */
export function writing<P extends ClientPayload>(
  { db, head }: SecretsStore,
  parse: (payload: unknown) => P,
  run: (tx: Tx, call: SecretsCall, payload: P) => Promise<SecretsAnswer>,
): SecretsMethod {
  return async (call, payload) => {
    const parsed = parse(payload);
    if (call.caller.publicKey === null)
      throw new SecretsRefusal('access_denied', 'The first access reads: bind by get_secret');
    const answer = await db.transaction().execute((tx) => run(tx, call, parsed));
    head.publish(`acct.${call.caller.ownerUid}`, { kind: 'secret-news' });
    return answer;
  };
}

/**
 * The same of what no revision keeps from being done again (a UID is a new one again once its object was deleted): its mark is kept
 * for as long as its effect might be, so that the request, played back whenever, is `replayed`.
 */
export function writingOnce<P extends ClientPayload>(
  store: SecretsStore,
  parse: (payload: unknown) => P,
  run: (tx: Tx, call: SecretsCall, payload: P) => Promise<SecretsAnswer>,
): SecretsMethod {
  return writing(store, parse, async (tx, call, payload) => {
    await markOnce(tx, call);
    return await run(tx, call, payload);
  });
}

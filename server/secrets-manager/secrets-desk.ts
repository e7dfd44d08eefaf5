// One secrets-manager request from its bytes to its answer.
import { ProtocolError } from '../../protocol/errors.ts';
import { parseBindingPayload, type BindingPayload } from '../../protocol/secrets-manager/requests.ts';
import { networkOf } from '../api/network.ts';
import { ReplayWindows, type WindowBounds } from '../api/replay-windows.ts';
import { RateLimiter, type Rate } from '../api/token-bucket.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { Head } from '../router/head/head.ts';
import type { Database } from '../store/database.ts';
import type { AccessEvents } from './access-events.ts';
import { areMany, foldChanges } from './answer-cache.ts';
import { Callers, type Caller } from './callers.ts';
import {
  claimAddress,
  isNoteDue,
  isStale,
  isUnclaimed,
  noteAccess,
  requireAccess,
  unknownClient,
  verifyCaller,
} from './client-access.ts';
import { partsOf, type SecretsMethods } from './method.ts';
import { nameOf, SecretsRefusal, throttled } from './refusal.ts';
import { VerifyingKeys } from './wire-crypto.ts';
import {
  openWireRequest,
  type OpenedRequest,
  type RequestHeaders,
  type SealedAnswer,
} from './wire-request.ts';

export interface SecretsRequest {
  readonly method: string;
  readonly headers: RequestHeaders;
  readonly body: Uint8Array;
  readonly address: string;
}

/** 100 requests in 10 seconds of a client and method. secrets-manager-protocol.md §7.2. */
export const secretsRate: Rate = { burst: 100, perSecond: 10 };
/** "Use that key" sends some clients into a loop, so it is said three times a minute. §7.1. */
const keyAnswerRate: Rate = { burst: 3, perSecond: 1 / 20 };
/**
 * Requests carry no time; a copy kept for longer than this can at most be answered under a key its sender lacks. A
 * client that asks as often as it may stays within its marks.
 */
const replayBounds: WindowBounds = { windowMs: 10 * 60_000, mostMarks: 16_384, mostCallers: 50_000 };

export interface SecretsDeskParts {
  readonly db: Database;
  readonly head: Head;
  readonly ring: KeyRing;
  readonly rate: Rate;
  readonly methods: SecretsMethods;
  readonly events: AccessEvents;
}

/** A request that was read, and not yet believed. */
interface Knock {
  readonly request: SecretsRequest;
  readonly opened: OpenedRequest;
  readonly payload: BindingPayload;
  readonly now: number;
}

export class SecretsDesk {
  readonly #parts: SecretsDeskParts;
  readonly #callers: Callers;
  readonly #limiter: RateLimiter;
  readonly #keyAnswers = new RateLimiter(keyAnswerRate);
  readonly #seen = new ReplayWindows(replayBounds);
  readonly #keys = new VerifyingKeys();

  constructor(parts: SecretsDeskParts) {
    this.#parts = parts;
    this.#callers = new Callers(parts.db);
    this.#limiter = new RateLimiter(parts.rate);
  }

  /** The body of a status 200 response, sealed as it is sent. Throws SecretsRefusal or ProtocolError. */
  async answer(request: SecretsRequest): Promise<SealedAnswer> {
    const opened = this.#open(request);
    const { method, address } = request;
    const run = this.#parts.methods.get(method);
    if (!run) throw new SecretsRefusal('bad_request', `The method ${nameOf(method)} is not supported`);
    const payload = parseBindingPayload(opened.payload);
    const caller = await this.#callers.find(payload.clientId);
    if (!caller) throw unknownClient();
    const now = Date.now(); // not of before the store was asked: what ended meanwhile has ended
    await this.#admit(caller, { request, opened, payload, now });
    const { mark } = opened;
    const content = await run({ caller, method, address, now, mark }, opened.payload);
    await this.#note(caller, { request, opened, payload, now });
    return opened.seal(partsOf(content));
  }

  /** Last, so that a request that fails uses up no token. */
  async #note(caller: Caller, { request, payload, now }: Knock): Promise<void> {
    const { db, events, head } = this.#parts;
    const { method, address } = request;
    const access = { payload, address, now };
    const place = { method, address, now };
    const isCounted = caller.publicKey === null || events.count('app_client_access', caller, place);
    // Of most requests nothing is to be written.
    if (isCounted && !isNoteDue(caller, access) && !areMany(caller.changes)) return;
    const [bound] = await Promise.all([
      noteAccess(db, caller, access),
      isCounted || events.note('app_client_access', caller, place),
      foldChanges(db, caller.ownerUid, caller.changes),
    ]);
    if (bound) head.publish(`acct.${caller.ownerUid}`, { kind: 'secret-news' });
  }

  #open({ headers, body, address }: SecretsRequest): OpenedRequest {
    const serverKeys = this.#parts.ring.keys;
    try {
      return openWireRequest({ headers, body, serverKeys });
    } catch (error) {
      if (!(error instanceof ProtocolError) || error.code !== 'unknown-server-key') throw error;
      throw this.#keyRefusal(address, serverKeys[0]?.id ?? 0);
    }
  }

  #keyRefusal(address: string, keyId: number): SecretsRefusal {
    if (this.#keyAnswers.take(networkOf(address)) > 0)
      return new SecretsRefusal('access_denied', 'The server key is unknown');
    return new SecretsRefusal('key', 'invalid key id', { keyId });
  }

  async #admit(caller: Caller, knock: Knock): Promise<void> {
    const { request, now } = knock;
    try {
      this.#require(caller, knock);
      if (isUnclaimed(caller)) await claimAddress(this.#parts.db, caller, request.address);
    } catch (error) {
      if (error instanceof SecretsRefusal && error.error === 'access_denied')
        await this.#parts.events.note(
          isStale(caller, now) ? 'app_client_expired' : 'app_client_access_denied',
          caller,
          { method: request.method, address: request.address, now },
        );
      throw error;
    }
  }

  /** In the order of secrets-manager-protocol.md §4. */
  #require(caller: Caller, { request, opened, payload, now }: Knock): void {
    const { method, address } = request;
    if (isStale(caller, now)) throw unknownClient();
    verifyCaller(this.#keys, caller, opened, payload.publicKey);
    requireAccess(caller, address, now);
    const wait = this.#limiter.take(`${caller.name} ${method}`, now);
    if (wait > 0) throw throttled(wait);
    this.#seen.admit(caller.name, opened.mark, now);
  }
}

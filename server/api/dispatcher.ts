// From the bytes of a POST to a handler and back. protocol.md §7.
import { create, type DescMethod, type DescService } from '@bufbuild/protobuf';
import { encodeBase64, type Bytes } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { decodeMessage } from '../../protocol/messages/decode.ts';
import { encodeMessage } from '../../protocol/messages/encode.ts';
import { ApiRequestSchema, ApiResponseSchema, type ApiRequest } from '../../protocol/messages/gen/api_pb.js';
import { verifyApiRequest } from '../../protocol/signed/api-request.ts';
import { openRequest, type OpenedRequest } from '../../protocol/transmission/request.ts';
import { sha256 } from '../../protocol/crypto/hash.ts';
import { findGatewayClient, type GatewayClient } from '../applications/gateway-client.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { Logger } from '../log/logger.ts';
import type { Database } from '../store/database.ts';
import type { Call, Handler, Session } from './call.ts';
import { describeFailure } from './failure.ts';
import { TooManyRequests } from './refusal.ts';
import { ReplayWindow } from './replay-window.ts';
import { ReplayWindows } from './replay-windows.ts';
import { findSession, renewSession } from './sessions.ts';

export interface Method {
  readonly desc: DescMethod;
  readonly handler: Handler<DescMethod>;
}

export type Methods = ReadonlyMap<string, Method>;

/** "Service/Method" to its handler. The types of Handlers<S> made sure that each is there. */
export function methodsOf(
  service: DescService,
  handlers: Readonly<Record<string, unknown>>,
): [string, Method][] {
  return service.methods.map((desc) => [
    `${service.name}/${desc.name}`,
    { desc, handler: handlers[desc.localName] as Handler<DescMethod> },
  ]);
}

export interface DispatcherParts {
  readonly db: Database;
  readonly ring: KeyRing;
  readonly methods: Methods;
  readonly log: Logger;
}

/** Where a call came from and where it was sent to. */
export type Caller = Pick<Call, 'address' | 'host'>;

/** A request is accepted within the clock skew on either side of now. */
const windowMs = 2 * limits.clockSkewMs;

export class Dispatcher {
  readonly #parts: DispatcherParts;
  readonly #seen = new ReplayWindows({ windowMs, mostMarks: 16_384, mostCallers: 50_000 });
  /**
   * Calls before sign-in, which anyone can make. Played back, they give nothing but an answer for the first sender, and
   * what a login begins is finished once.
   */
  readonly #seenOpen = new ReplayWindow(windowMs, 65_536);

  constructor(parts: DispatcherParts) {
    this.#parts = parts;
  }

  /** Those that anyone may call. */
  get openMethods(): string[] {
    return [...this.#parts.methods]
      .filter(([, { handler }]) => handler.access === 'open')
      .map(([name]) => name);
  }

  /**
   * The sealed response to a sealed request. Throws only what cannot be sealed: an unknown method, or a request that
   * does not open.
   */
  async dispatch(name: string, body: Uint8Array, { address, host }: Caller): Promise<Bytes> {
    const method = this.#parts.methods.get(name);
    if (!method) throw new ProtocolError('not-found', 'no such method');
    const opened = await openRequest(this.#parts.ring.keys, name, body);
    const call = { address, host, now: Date.now() };
    return await opened.sealResponse(await this.#answer(name, method, opened, call));
  }

  async #answer(name: string, method: Method, opened: OpenedRequest, call: Call): Promise<Bytes> {
    try {
      const request = decodeMessage(ApiRequestSchema, opened.payload);
      requireRecent(request, call.now);
      const output = await this.#handle(name, method, request, opened, call);
      const payload = encodeMessage(method.desc.output, output);
      return encodeMessage(ApiResponseSchema, { outcome: { case: 'payload', value: payload } });
    } catch (error) {
      return this.#refusal(name, error);
    }
  }

  async #handle(name: string, method: Method, request: ApiRequest, opened: OpenedRequest, call: Call) {
    const { handler, desc } = method;
    if (handler.access === 'open') {
      this.#seenOpen.admitAnyone(sha256(opened.wrappedKey), call.now);
      return await handler.handle(decodeMessage(desc.input, request.payload), call);
    }
    if (handler.access === 'gateway') {
      const gateway = await this.#authenticateGateway(name, request, opened, call);
      return await handler.handle(decodeMessage(desc.input, request.payload), { ...call, gateway });
    }
    const session = await this.#authenticate(name, request, opened, call);
    return await handler.handle(decodeMessage(desc.input, request.payload), { ...call, session });
  }

  async #authenticate(
    name: string,
    request: ApiRequest,
    opened: OpenedRequest,
    { address, now }: Call,
  ): Promise<Session> {
    const { sessionToken, issuedAtMs, payload } = request;
    const session = await findSession(this.#parts.db, sessionToken, now);
    const signed = { method: name, wrappedKey: opened.wrappedKey, issuedAtMs, sessionToken, payload };
    await verifyApiRequest(session.devicePublicKey, signed, request.deviceSignature);
    this.#seen.admit(encodeBase64(session.tokenHash), sha256(opened.wrappedKey), now);
    return { ...session, expiresAt: await renewSession(this.#parts.db, session, now, address) };
  }

  /** A gateway has no session: its client id stands for one, and its device key signs the same words. */
  async #authenticateGateway(
    name: string,
    { sessionToken: clientId, issuedAtMs, payload, deviceSignature }: ApiRequest,
    { wrappedKey }: OpenedRequest,
    { address, now }: Call,
  ): Promise<GatewayClient> {
    const gateway = await findGatewayClient(this.#parts.db, clientId, address, now);
    const signed = { method: name, wrappedKey, issuedAtMs, sessionToken: clientId, payload };
    await verifyApiRequest(gateway.publicKey, signed, deviceSignature);
    this.#seen.admit(encodeBase64(clientId), sha256(wrappedKey), now);
    return gateway;
  }

  #refusal(name: string, error: unknown): Bytes {
    const known = describeFailure(this.#parts.log, name, error);
    const retryAfterMs = BigInt(error instanceof TooManyRequests ? error.retryAfterMs : 0);
    const value = { code: known.code, message: known.message, retryAfterMs };
    return encodeMessage(ApiResponseSchema, create(ApiResponseSchema, { outcome: { case: 'error', value } }));
  }
}

function requireRecent({ issuedAtMs }: ApiRequest, now: number): void {
  const age = Math.abs(now - Number(issuedAtMs));
  if (!(age <= limits.clockSkewMs)) throw new ProtocolError('expired', 'the clocks differ too much');
}

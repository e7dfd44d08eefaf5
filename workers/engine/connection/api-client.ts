import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { empty, parseUtf8, type Bytes } from '../../../protocol/bytes.ts';
import { isErrorCode, ProtocolError, type ErrorCode } from '../../../protocol/errors.ts';
import { parseObject } from '../../../protocol/json.ts';
import { limits } from '../../../protocol/limits.ts';
import { decodeMessage } from '../../../protocol/messages/decode.ts';
import { encodeMessage } from '../../../protocol/messages/encode.ts';
import { ApiRequestSchema, ApiResponseSchema } from '../../../protocol/messages/gen/api_pb.js';
import { signApiRequest } from '../../../protocol/signed/api-request.ts';
import { sealRequest } from '../../../protocol/transmission/request.ts';
import type { ServerPublicKey } from '../../../protocol/transmission/server-keys.ts';
import type { DeviceSession } from './device-session.ts';
import type { Environment, HttpAnswer } from '../environment.ts';
import { ServerKeyring } from './server-keyring.ts';

/** A call is given up after this long: over it a person is told, and a retry is cheaper than waiting. */
const callTimeoutMs = 30_000;

/** Typed calls of the server's API through the transmission layer (protocol.md §7). */
export class ApiClient {
  readonly keyring: ServerKeyring;
  readonly #environment: Environment;
  readonly #signal: AbortSignal;
  #clockOffsetMs = 0;

  constructor(environment: Environment, signal: AbortSignal, onUntrusted: () => void) {
    this.#environment = environment;
    this.#signal = signal;
    const fetchKeys = () => this.#fetchKeys();
    this.keyring = new ServerKeyring(fetchKeys, environment.storage, onUntrusted);
  }

  /** What calls of the API are dated with: the server's time, as far as it is known and within the clock skew. */
  now(): number {
    return this.deviceNow() + this.#clockOffsetMs;
  }

  /** The device's own clock: all that is signed for anyone but the server is dated with it (protocol.md §12.1). */
  deviceNow(): number {
    return this.#environment.clock.now();
  }

  /** From a sealed answer only. A server that could move our clock further could have calls signed for another day. */
  learnTime(serverTimeMs: bigint): void {
    if (serverTimeMs <= 0n) return;
    const offset = Number(serverTimeMs) - this.deviceNow();
    const near = Math.abs(offset) <= limits.clockSkewMs;
    this.#clockOffsetMs = near ? offset : 0;
    if (!near) this.#environment.warn(describeOffset(offset));
  }

  /**
   * Throws what the server answered, `offline` when it did not, `untrusted` when it is not the pinned one. A key that
   * the server gave up is fetched anew, once. `onSent`: the request is on its way.
   */
  async call<Input extends DescMessage, Output extends DescMessage>(
    method: DescMethodUnary<Input, Output>,
    request: MessageInitShape<Input>,
    session: DeviceSession | null = null,
    onSent?: () => void,
  ): Promise<MessageShape<Output>> {
    try {
      return await this.#attempt(await this.keyring.current(), method, request, session, onSent);
    } catch (error) {
      if (!(error instanceof ProtocolError) || error.code !== 'unknown-server-key') throw error;
      return await this.#attempt(await this.keyring.refresh(), method, request, session, onSent);
    }
  }

  async #attempt<Input extends DescMessage, Output extends DescMessage>(
    serverKey: ServerPublicKey,
    method: DescMethodUnary<Input, Output>,
    request: MessageInitShape<Input>,
    session: DeviceSession | null,
    onSent?: () => void,
  ): Promise<MessageShape<Output>> {
    const name = `${method.parent.name}/${method.name}`;
    const payload = encodeMessage(method.input, request);
    const sealed = await sealRequest(serverKey, name, (wrappedKey) =>
      this.#encodeRequest(name, wrappedKey, payload, session),
    );
    const answering = this.#request(`/api/v1/${name}`, sealed.body);
    onSent?.();
    const answer = await answering;
    if (answer.status !== 200) throw refusalOf(answer);
    return decodeMessage(method.output, payloadOf(await sealed.openResponse(answer.body)));
  }

  async #encodeRequest(
    name: string,
    wrappedKey: Bytes,
    payload: Bytes,
    session: DeviceSession | null,
  ): Promise<Bytes> {
    const issuedAtMs = BigInt(this.now());
    if (session === null) return encodeMessage(ApiRequestSchema, { issuedAtMs, payload });
    const sessionToken = session.token;
    const { signer } = await this.#environment.storage.device();
    const call = { method: name, wrappedKey, issuedAtMs, sessionToken, payload };
    const deviceSignature = await signApiRequest(signer, call);
    return encodeMessage(ApiRequestSchema, { sessionToken, issuedAtMs, deviceSignature, payload });
  }

  async #fetchKeys(): Promise<Bytes> {
    const answer = await this.#request('/api/v1/server-keys', null);
    if (answer.status !== 200) throw new ProtocolError('unavailable', 'the server is not ready');
    return answer.body;
  }

  async #request(path: string, body: Bytes | null): Promise<HttpAnswer> {
    const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(callTimeoutMs)]);
    try {
      const { origin, transport } = this.#environment;
      return await transport.request(new URL(path, origin), body, signal);
    } catch (error) {
      if (error instanceof ProtocolError) throw error;
      throw new ProtocolError('offline', 'the server cannot be reached');
    }
  }
}

function describeOffset(offsetMs: number): string {
  const minutes = Math.round(Math.abs(offsetMs) / 60_000);
  const side = offsetMs > 0 ? 'behind' : 'ahead of';
  return `the clock of this device is ${minutes} minutes ${side} the server's: one of them is wrong, and gateways may refuse commands`;
}

/** Nobody signs an answer in clear, so it may only say what makes us try again, never what changes our state. */
const believedInClear: readonly ErrorCode[] = [
  'unknown-server-key',
  'too-many-requests',
  'unavailable',
  'too-large',
];

function refusalOf({ status, body }: HttpAnswer): ProtocolError {
  const code = clearCodeOf(body);
  const believed = believedInClear.find((known) => known === code);
  if (believed) return new ProtocolError(believed);
  if (status === 429) return new ProtocolError('too-many-requests');
  return new ProtocolError('unavailable', `the server answered with status ${status}`);
}

function clearCodeOf(body: Bytes): unknown {
  try {
    return parseObject(parseUtf8(body), 'not an answer of this server')['code'];
  } catch {
    return null; // an answer of something between us and the server
  }
}

function payloadOf(response: Bytes): Uint8Array {
  const { outcome } = decodeMessage(ApiResponseSchema, response);
  if (outcome.case === 'payload') return outcome.value;
  if (outcome.case === undefined) return empty;
  const { code, message, retryAfterMs } = outcome.value;
  const wait = retryAfterMs > 0n ? ` (try again in ${Math.ceil(Number(retryAfterMs) / 1000)} s)` : '';
  throw new ProtocolError(isErrorCode(code) ? code : 'internal', message + wait);
}

import type { DescMethodUnary, DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { free, type Bytes } from '../../protocol/bytes.ts';
import type { Signer } from '../../protocol/crypto/ecdsa.ts';
import { isErrorCode, ProtocolError } from '../../protocol/errors.ts';
import { decodeMessage } from '../../protocol/messages/decode.ts';
import { encodeMessage } from '../../protocol/messages/encode.ts';
import { ApiRequestSchema, ApiResponseSchema } from '../../protocol/messages/gen/api_pb.js';
import { signApiRequest } from '../../protocol/signed/api-request.ts';
import { sealRequest } from '../../protocol/transmission/request.ts';
import type { ServerPublicKey } from '../../protocol/transmission/server-keys.ts';
import type { ServerDoor } from './server-door.ts';

/** API calls of a gateway: its client id stands for a session, and its device key signs each. protocol.md §26.1. */
export class ServerCalls {
  readonly #door: ServerDoor;
  readonly #clientId: Bytes;
  readonly #device: Signer;

  constructor(door: ServerDoor, clientId: Bytes, device: Signer) {
    this.#door = door;
    this.#clientId = clientId;
    this.#device = device;
  }

  /** One call. Throws what the server refuses with, `offline`, or `unavailable` for what is no answer of it. */
  async call<Input extends DescMessage, Output extends DescMessage>(
    method: DescMethodUnary<Input, Output>,
    input: MessageInitShape<Input>,
    signal: AbortSignal,
  ): Promise<MessageShape<Output>> {
    const attempt = async (key: ServerPublicKey) => await this.#attempt(key, method, input, signal);
    try {
      return await attempt(await this.#door.key(signal));
    } catch (error) {
      // A server says that it does not know a key in clear; to fetch its keys anew is always safe.
      if (!(error instanceof ProtocolError) || error.code !== 'unavailable') throw error;
      return await attempt(await this.#door.fetchKey(signal));
    }
  }

  async #attempt<Input extends DescMessage, Output extends DescMessage>(
    serverKey: ServerPublicKey,
    method: DescMethodUnary<Input, Output>,
    input: MessageInitShape<Input>,
    signal: AbortSignal,
  ): Promise<MessageShape<Output>> {
    const name = `${method.parent.name}/${method.name}`;
    const payload = encodeMessage(method.input, input);
    const sealed = await sealRequest(serverKey, name, async (wrappedKey) => {
      const [issuedAtMs, sessionToken] = [BigInt(Date.now()), this.#clientId];
      const call = { method: name, wrappedKey, issuedAtMs, sessionToken, payload };
      const deviceSignature = await signApiRequest(this.#device, call);
      return encodeMessage(ApiRequestSchema, { sessionToken, issuedAtMs, deviceSignature, payload });
    });
    free(payload);
    const headers = { 'content-type': 'application/octet-stream' };
    const request = { method: 'POST', path: `/api/v1/${name}`, headers, body: sealed.body, signal } as const;
    const { status, body } = await this.#door.request(request);
    if (status !== 200) throw new ProtocolError('unavailable', `the server answered with status ${status}`);
    const { outcome } = decodeMessage(ApiResponseSchema, await sealed.openResponse(body));
    if (outcome.case === 'payload') return decodeMessage(method.output, outcome.value);
    const { code = 'internal', message = 'no outcome' } = outcome.value ?? {};
    throw new ProtocolError(isErrorCode(code) ? code : 'internal', message);
  }
}

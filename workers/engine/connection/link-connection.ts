import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Bytes } from '../../../protocol/bytes.ts';
import type { Signer } from '../../../protocol/crypto/ecdsa.ts';
import { isErrorCode, ProtocolError, type ErrorCode } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { decodeMessage } from '../../../protocol/messages/decode.ts';
import { encodeMessage } from '../../../protocol/messages/encode.ts';
import {
  RouterToVaultFrameSchema,
  VaultFrameSchema,
  type RouterToVaultFrame,
} from '../../../protocol/messages/gen/link_pb.js';
import { signLinkProof } from '../../../protocol/signed/link-proof.ts';
import { openLink, type LinkChannel } from '../../../protocol/transmission/link-channel.ts';
import type { ServerPublicKey } from '../../../protocol/transmission/server-keys.ts';
import { uidBytes } from '../../../protocol/uid.ts';
import type { Environment, Socket } from '../environment.ts';
import type { DeviceSession } from './device-session.ts';

/** Until Welcome: one round trip and a signature; more is a server that does not answer. */
const handshakeMs = 15_000;
/** Bytes that may wait in the socket, and frames that may wait to be opened. */
const mostWaiting = 4 * limits.linkFrame;
const mostUnopened = 1024;

type Frame = RouterToVaultFrame['body'];
type OwnFrame = NonNullable<MessageInitShape<typeof VaultFrameSchema>['body']>;

/**
 * One connection to the router (protocol.md §11): opening frame, challenge, proof, welcome, then frames both ways until
 * `closed` resolves with the reason.
 */
export class LinkConnection {
  readonly session: DeviceSession;
  /** Resolves once, with the reason. */
  readonly closed: Promise<ErrorCode>;
  readonly #channel: LinkChannel;
  readonly #socket: Socket;
  readonly #onFrame: (frame: Frame) => void;
  readonly #device: { readonly uid: Bytes; readonly signer: Signer };
  readonly #welcomed = Promise.withResolvers<void>();
  readonly #ending = Promise.withResolvers<ErrorCode>();
  #reason: ErrorCode = 'offline';
  #state: 'opening' | 'proving' | 'welcome' = 'opening';
  #unopened = 0;

  /** Resolves after Welcome. Throws the reason for which there was none. */
  static async open(
    environment: Environment,
    serverKey: ServerPublicKey,
    session: DeviceSession,
    onFrame: (frame: Frame) => void,
    signal: AbortSignal,
  ): Promise<LinkConnection> {
    const { uid, signer } = await environment.storage.device();
    const { opening, channel } = await openLink(serverKey);
    const device = { uid: uidBytes(uid), signer };
    const connection = new LinkConnection(environment, { opening, channel, session, device, onFrame });
    const close = () => connection.close('cancelled');
    if (signal.aborted) close();
    signal.addEventListener('abort', close);
    void connection.closed.then(() => signal.removeEventListener('abort', close));
    const cancelTimer = environment.clock.schedule(handshakeMs, () => connection.close('timed-out'));
    await connection.#welcomed.promise.finally(cancelTimer);
    return connection;
  }

  private constructor(
    { origin, transport }: Environment,
    parts: {
      readonly opening: Bytes;
      readonly channel: LinkChannel;
      readonly session: DeviceSession;
      readonly device: { readonly uid: Bytes; readonly signer: Signer };
      readonly onFrame: (frame: Frame) => void;
    },
  ) {
    this.session = parts.session;
    this.closed = this.#ending.promise;
    this.#channel = parts.channel;
    this.#device = parts.device;
    this.#onFrame = parts.onFrame;
    this.#socket = transport.openSocket(new URL('/api/v1/vault-link', origin), {
      opened: () => this.#socket.send(parts.opening),
      received: (frame) => this.#receive(frame),
      closed: () => this.#end(),
    });
  }

  /** Frames leave in the order of the calls. A peer that does not take them is lost. */
  send(body: OwnFrame): void {
    void this.#send(body).catch((error: unknown) => this.#fail(error));
  }

  close(reason: ErrorCode): void {
    this.#reason = reason;
    this.#socket.close();
    this.#end();
  }

  async #send(body: OwnFrame): Promise<void> {
    if (this.#socket.waiting > mostWaiting) throw new ProtocolError('unavailable', 'the link does not drain');
    this.#socket.send(await this.#channel.seal(encodeMessage(VaultFrameSchema, { body })));
  }

  #receive(sealed: Bytes): void {
    if (++this.#unopened > mostUnopened) return this.close('too-large');
    const opened = this.#open(sealed).finally(() => this.#unopened--);
    opened.catch((error: unknown) => this.#fail(error));
  }

  async #open(sealed: Bytes): Promise<void> {
    const { body } = decodeMessage(RouterToVaultFrameSchema, await this.#channel.open(sealed));
    if (body.case === 'challenge') return await this.#prove(body.value.nonce);
    if (body.case === 'welcome') return this.#enter();
    if (body.case === 'closing')
      return this.close(isErrorCode(body.value.code) ? body.value.code : 'unavailable');
    if (this.#state !== 'welcome') throw new ProtocolError('malformed', 'a frame before the welcome');
    this.#onFrame(body);
  }

  async #prove(challenge: Uint8Array): Promise<void> {
    if (this.#state !== 'opening') throw new ProtocolError('malformed', 'a second challenge');
    this.#state = 'proving';
    const proof = {
      subject: 'vault',
      identity: this.#device.uid,
      challenge,
      binding: this.#channel.binding,
    } as const;
    const signature = await signLinkProof(this.#device.signer, proof);
    this.send({ case: 'proof', value: { sessionToken: this.session.token, signature } });
  }

  #enter(): void {
    if (this.#state !== 'proving') throw new ProtocolError('malformed', 'a welcome before the proof');
    this.#state = 'welcome';
    this.#welcomed.resolve();
  }

  #fail(error: unknown): void {
    this.close(error instanceof ProtocolError ? error.code : 'internal');
  }

  #end(): void {
    this.#welcomed.reject(new ProtocolError(this.#reason, 'the link could not be opened'));
    this.#ending.resolve(this.#reason);
  }
}

import { concat, uint64, type Bytes } from '../bytes.ts';
import { importAesKey, nonceLength, openWithNonce, sealWithNonce, tagLength } from '../crypto/aes-gcm.ts';
import { encodeContext } from '../crypto/context.ts';
import { hkdf, sha256 } from '../crypto/hash.ts';
import { labels } from '../crypto/labels.ts';
import { ProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { ServerPrivateKey, ServerPublicKey } from './server-keys.ts';
import { unwrapTransmissionKey, wrappedKeyLength, wrapTransmissionKey } from './wrapped-key.ts';

/**
 * The sealed frames of a WebSocket (protocol.md §11.1). The first frame of the client is the wrapped transmission
 * key; every later frame in either direction is AES-256-GCM under that direction's key with the frame's number as
 * nonce, so a frame that was dropped, repeated or moved does not open.
 */
export class LinkChannel {
  /** SHA-256 of the opening frame: what proofs on this link are bound to. */
  readonly binding: Bytes;
  readonly #sealKey: CryptoKey;
  readonly #openKey: CryptoKey;
  #sealed = 0;
  #opened = 0;
  #lastSealed: Promise<unknown> = Promise.resolve();
  #lastOpened: Promise<unknown> = Promise.resolve();

  constructor(binding: Bytes, sealKey: CryptoKey, openKey: CryptoKey) {
    this.binding = binding;
    this.#sealKey = sealKey;
    this.#openKey = openKey;
  }

  /** Seals the next frame; results come in the order of the calls. Rejects with `too-large` or `key-exhausted`. */
  seal(plaintext: Bytes): Promise<Bytes> {
    const sealed = this.#sealNext(plaintext);
    const inOrder = inTurn(this.#lastSealed, sealed);
    this.#lastSealed = inOrder.catch(() => undefined); // a frame that was not sealed has used up no number
    return inOrder;
  }

  /**
   * Opens the next frame; call in the order of arrival, results come in that order. Rejects with `open-failed` or
   * `too-large`, and so does every later frame: the link is to be closed.
   */
  open(frame: Uint8Array): Promise<Bytes> {
    const inOrder = inTurn(this.#lastOpened, this.#openNext(frame));
    this.#lastOpened = inOrder;
    return inOrder;
  }

  /** Takes the number before the first await: the order is that of the calls. */
  async #sealNext(plaintext: Bytes): Promise<Bytes> {
    if (plaintext.length > limits.linkFrame) throw new ProtocolError('too-large');
    return await sealWithNonce(this.#sealKey, counterNonce(this.#sealed++), plaintext, this.binding);
  }

  async #openNext(frame: Uint8Array): Promise<Bytes> {
    if (frame.length > limits.linkFrame + tagLength) throw new ProtocolError('too-large');
    return await openWithNonce(this.#openKey, counterNonce(this.#opened++), concat(frame), this.binding);
  }
}

/** The result, once those before it are there. Its failure is told there alone. */
function inTurn(before: Promise<unknown>, result: Promise<Bytes>): Promise<Bytes> {
  result.catch(() => undefined);
  return before.then(() => result);
}

const subject = 'link';

/** Client side: the frame to send first, and the channel. */
export async function openLink(
  serverKey: ServerPublicKey,
): Promise<{ opening: Bytes; channel: LinkChannel }> {
  const { key, wrapped } = await wrapTransmissionKey(serverKey, subject);
  const binding = sha256(wrapped);
  const keys = await directionKeys(key, binding);
  return { opening: wrapped, channel: new LinkChannel(binding, keys.clientToServer, keys.serverToClient) };
}

/** Server side, from the client's first frame. Throws as {@link unwrapTransmissionKey}, or `malformed`. */
export async function acceptLink(
  serverKeys: readonly ServerPrivateKey[],
  opening: Uint8Array,
): Promise<LinkChannel> {
  if (opening.length !== wrappedKeyLength) throw new ProtocolError('malformed', 'not an opening frame');
  const key = await unwrapTransmissionKey(serverKeys, subject, opening);
  const binding = sha256(opening);
  const keys = await directionKeys(key, binding);
  return new LinkChannel(binding, keys.serverToClient, keys.clientToServer);
}

async function directionKeys(key: Bytes, binding: Bytes) {
  const derive = (label: string) => importAesKey(hkdf(key, binding, encodeContext(label)));
  return {
    clientToServer: await derive(labels.linkClientToServer),
    serverToClient: await derive(labels.linkServerToClient),
  };
}

function counterNonce(count: number): Bytes {
  if (count >= limits.framesPerChannelKey) throw new ProtocolError('key-exhausted');
  return concat(new Uint8Array(nonceLength - 8), uint64(BigInt(count)));
}

import { type Bytes, wipe } from '../bytes.ts';
import { encodeContext } from '../crypto/context.ts';
import { openEnvelope, sealEnvelope } from '../crypto/envelope.ts';
import { hkdf } from '../crypto/hash.ts';
import { labels, purposes, type Purpose } from '../crypto/labels.ts';
import { SymmetricKey } from '../crypto/symmetric-key.ts';
import { ProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';
import { decodeMessage } from '../messages/decode.ts';
import { encodeMessage } from '../messages/encode.ts';
import { SessionSignalSchema, type SessionSignal } from '../messages/gen/session_pb.js';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Uid } from '../uid.ts';

export type Side = 'vault' | 'gateway';

/** What a session's traffic keys are bound to. */
export interface SessionScope {
  readonly sessionUid: Uid;
  readonly recordUid: Uid;
  readonly gatewayUid: Uid;
}

/**
 * The signalling keys of one session (protocol.md §13): HKDF-SHA-256(ikm = the record's traffic seed, salt = the
 * session nonce, info = context(direction label, session, record, gateway)). Whoever cannot open the record has
 * neither; the router sees only envelopes.
 */
export class SessionKeys {
  readonly #scope: SessionScope;
  readonly #side: Side;
  readonly #sealKey: SymmetricKey;
  readonly #openKey: SymmetricKey;
  #sealed = 0;
  #opened = 0;

  private constructor(scope: SessionScope, side: Side, sealKey: SymmetricKey, openKey: SymmetricKey) {
    this.#scope = scope;
    this.#side = side;
    this.#sealKey = sealKey;
    this.#openKey = openKey;
  }

  /** `seed`: 32 bytes of the record's trafficEncryptionSeed. `nonce`: 16 bytes of the signed command. Throws `malformed`. */
  static async derive(side: Side, scope: SessionScope, seed: Bytes, nonce: Bytes): Promise<SessionKeys> {
    if (seed.length !== 32 || nonce.length !== 16)
      throw new ProtocolError('malformed', 'bad traffic seed or nonce');
    const toGateway = await derive(labels.recordTrafficVaultToGateway, scope, seed, nonce);
    const toVault = await derive(labels.recordTrafficGatewayToVault, scope, seed, nonce);
    return side === 'vault'
      ? new SessionKeys(scope, side, toGateway, toVault)
      : new SessionKeys(scope, side, toVault, toGateway);
  }

  /** Seals the command payload (vault) or the signed reply (gateway). */
  sealMessage(plaintext: Bytes): Promise<Bytes> {
    return sealEnvelope(this.#sealKey, purposes.commandReply, this.#objects(this.#side), plaintext);
  }

  /** Opens the other side's command payload or signed reply. Throws `open-failed`. */
  openMessage(sealed: Uint8Array): Promise<Bytes> {
    return this.#open(purposes.commandReply, sealed);
  }

  /** Seals the next signal. Throws `limit-reached` past limits.signalsPerSession. */
  async sealSignal(body: NonNullable<MessageInitShape<typeof SessionSignalSchema>['body']>): Promise<Bytes> {
    if (this.#sealed >= limits.signalsPerSession)
      throw new ProtocolError('limit-reached', 'too many signals');
    const plaintext = encodeMessage(SessionSignalSchema, { sequence: ++this.#sealed, body });
    return await sealEnvelope(this.#sealKey, purposes.sessionSignal, this.#objects(this.#side), plaintext);
  }

  /** Opens the next signal. Throws `open-failed`, `malformed`, or `replayed` unless its sequence rises. */
  async openSignal(sealed: Uint8Array): Promise<SessionSignal> {
    if (sealed.length > limits.signalPlaintext) throw new ProtocolError('too-large');
    const signal = decodeMessage(SessionSignalSchema, await this.#open(purposes.sessionSignal, sealed));
    if (signal.sequence <= this.#opened) throw new ProtocolError('replayed');
    this.#opened = signal.sequence;
    return signal;
  }

  #open(purpose: Purpose, sealed: Uint8Array): Promise<Bytes> {
    const other: Side = this.#side === 'vault' ? 'gateway' : 'vault';
    return openEnvelope(this.#openKey, purpose, this.#objects(other), sealed);
  }

  #objects(from: Side): readonly string[] {
    return [from, this.#scope.sessionUid, this.#scope.recordUid, this.#scope.gatewayUid];
  }
}

async function derive(label: string, scope: SessionScope, seed: Bytes, nonce: Bytes): Promise<SymmetricKey> {
  const info = encodeContext(label, scope.sessionUid, scope.recordUid, scope.gatewayUid);
  const raw = hkdf(seed, nonce, info);
  const key = await SymmetricKey.import(raw);
  wipe(raw);
  return key;
}

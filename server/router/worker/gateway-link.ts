// The WebSocket of a gateway, which dials out and is let in by its device key. protocol.md §11.4.
import { randomBytes } from '../../../protocol/crypto/random.ts';
import type { Bytes } from '../../../protocol/bytes.ts';
import { ProtocolError, type ErrorCode } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { decodeMessage } from '../../../protocol/messages/decode.ts';
import { encodeMessage } from '../../../protocol/messages/encode.ts';
import { SignedRosterSchema } from '../../../protocol/messages/gen/account_pb.js';
import {
  GatewayFrameSchema,
  RouterToGatewayFrameSchema,
  type GatewayProof,
} from '../../../protocol/messages/gen/link_pb.js';
import { splitRoster } from '../../../protocol/signed/roster-parts.ts';
import { verifyLinkProof } from '../../../protocol/signed/link-proof.ts';
import { uidOf, type Uid } from '../../../protocol/uid.ts';
import { describeFailure } from '../../api/failure.ts';
import type { Logger } from '../../log/logger.ts';
import type { Database } from '../../store/database.ts';
import type { Head } from '../head/head.ts';
import {
  noteGateway,
  noteGatewayGone,
  readRosterOf,
  requireGatewayClient,
} from '../../applications/gateway-client.ts';
import type { LiveNews } from '../../oversight/live-news.ts';
import type { GatewayBody, GatewayPresence, GatewayWire } from './gateway-presence.ts';
import type { LinkUser, SealedLink } from './sealed-link.ts';

export interface GatewayLinkParts {
  readonly db: Database;
  readonly head: Head;
  readonly log: Logger;
  /** The presence of that gateway on this worker, made when there is none. */
  readonly presenceOf: (gatewayUid: Uid) => GatewayPresence;
  readonly news: Pick<LiveNews, 'tell'>;
}

interface Admitted {
  readonly presence: GatewayPresence;
  readonly ownerUid: Uid;
  readonly clientId: Uint8Array;
}

export class GatewayLink implements LinkUser, GatewayWire {
  readonly #parts: GatewayLinkParts;
  readonly #address: string;
  readonly #challenge = randomBytes(32);
  #link: SealedLink | null = null;
  #admitted: Admitted | null = null;

  constructor(parts: GatewayLinkParts, address: string) {
    this.#parts = parts;
    this.#address = address;
  }

  attach(link: SealedLink): void {
    this.#link = link;
  }

  opened(): void {
    this.transmit({ case: 'challenge', value: { nonce: this.#challenge } }, 0);
  }

  async received(bytes: Bytes): Promise<void> {
    const frame = decodeMessage(GatewayFrameSchema, bytes);
    if (this.#admitted) {
      const wanted = this.#admitted.presence.take(frame);
      if (wanted === 'roster-wanted') await this.#sendRoster(this.#admitted);
      return;
    }
    if (frame.body.case !== 'proof') throw new ProtocolError('not-signed-in', 'the proof comes first');
    await this.#prove(frame.body.value);
  }

  async closed(): Promise<void> {
    if (!this.#admitted?.presence.detach(this)) return;
    const { clientId, presence } = this.#admitted;
    this.#announce(false);
    this.#parts.log.info({ event: 'gateway-link-closed', gateway: presence.gatewayUid });
    await noteGatewayGone(this.#parts.db, clientId, Date.now());
  }

  encodeClosing(code: ErrorCode): Bytes {
    return encodeMessage(RouterToGatewayFrameSchema, { body: { case: 'closing', value: { code } } });
  }

  codeOf(error: unknown): ErrorCode {
    return describeFailure(this.#parts.log, 'gateway-link', error).code;
  }

  transmit(body: GatewayBody, received: number): void {
    this.#link?.send(encodeMessage(RouterToGatewayFrameSchema, { body, received: BigInt(received) }));
  }

  acknowledge(received: number): void {
    this.#link?.send(encodeMessage(RouterToGatewayFrameSchema, { received: BigInt(received) }));
  }

  /** Its presence has let go of it already. */
  drop(code: ErrorCode): void {
    if (code !== 'conflict') this.#announce(false);
    this.#link?.close(code);
  }

  sendRoster(): void {
    if (!this.#admitted) return;
    // Told at the latest by the link that comes after this one.
    this.#sendRoster(this.#admitted).catch((error: unknown) => this.#link?.close(this.codeOf(error)));
  }

  /** The device key of the client that the one-time token made, for this very link. */
  async #prove(proof: GatewayProof): Promise<void> {
    const now = Date.now();
    const gatewayUid = uidOf(proof.gatewayUid);
    const client = await requireGatewayClient(this.#parts.db, proof.clientId, gatewayUid, this.#address, now);
    const claim = {
      subject: 'gateway',
      identity: proof.clientId,
      challenge: this.#challenge,
      binding: this.#open.binding,
    } as const;
    verifyLinkProof(client.publicKey, claim, proof.signature);
    await noteGateway(this.#parts.db, proof, this.#address, now);
    this.#open.admit();
    const presence = this.#parts.presenceOf(gatewayUid);
    this.#admitted = { presence, ownerUid: client.ownerUid, clientId: proof.clientId };
    const received = Number(proof.resumeReceived);
    const resumed = presence.canResume(proof.resumeLinkUid, received);
    presence.attach(this, resumed ? received : null);
    this.#parts.log.info({ event: 'gateway-link-open', gateway: gatewayUid, resumed });
    this.#announce(true);
    await this.#requireStill(proof, presence);
    await this.#sendRoster(this.#admitted);
  }

  /** A removal from now on reaches the presence; one that came before this link was attached reached nobody. */
  async #requireStill({ clientId, gatewayUid }: GatewayProof, presence: GatewayPresence): Promise<void> {
    try {
      const { db } = this.#parts;
      await requireGatewayClient(db, clientId, uidOf(gatewayUid), this.#address, Date.now());
    } catch (error) {
      if (error instanceof ProtocolError) presence.onMessage({ kind: 'removed' });
      throw error;
    }
  }

  async #sendRoster({ presence, ownerUid }: Admitted): Promise<void> {
    const encoded = await readRosterOf(this.#parts.db, ownerUid);
    const roster = decodeMessage(SignedRosterSchema, encoded);
    if (encoded.length <= limits.rosterPart) return presence.send({ case: 'roster', value: roster });
    for (const part of splitRoster(roster)) presence.send({ case: 'rosterPart', value: part });
  }

  #announce(online: boolean): void {
    if (!this.#admitted) return;
    const { presence, ownerUid } = this.#admitted;
    const { gatewayUid } = presence;
    this.#parts.head.publish(`acct.${ownerUid}`, { kind: 'gateway-status', gatewayUid, online });
    this.#parts.news.tell(gatewayUid);
  }

  get #open(): SealedLink {
    if (!this.#link) throw new ProtocolError('internal', 'no link');
    return this.#link;
  }
}

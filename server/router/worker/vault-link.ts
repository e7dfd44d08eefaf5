// The WebSocket of an unlocked vault. protocol.md §11.3.
import type { MessageInitShape } from '@bufbuild/protobuf';
import { empty, type Bytes } from '../../../protocol/bytes.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { ProtocolError, type ErrorCode } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { decodeMessage } from '../../../protocol/messages/decode.ts';
import { encodeMessage } from '../../../protocol/messages/encode.ts';
import type { SignedCommand } from '../../../protocol/messages/gen/command_pb.js';
import {
  RouterToVaultFrameSchema,
  VaultFrameSchema,
  type CommandRequest,
  type SignalFrame,
  type VaultProof,
} from '../../../protocol/messages/gen/link_pb.js';
import { verifyLinkProof } from '../../../protocol/signed/link-proof.ts';
import { newUid, uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import type { Session } from '../../api/call.ts';
import { findSession, findSessionByHash, renewSession } from '../../api/sessions.ts';
import { describeFailure } from '../../api/failure.ts';
import type { Logger } from '../../log/logger.ts';
import type { Database } from '../../store/database.ts';
import {
  isEnded,
  type AccountMessage,
  type EndedSessions,
  type Head,
  type Unsubscribe,
} from '../head/head.ts';
import type { IssuedServers } from '../../relay/relay-credentials.ts';
import type { CommandRelay, Relayed } from './command-relay.ts';
import type { LinkUser, SealedLink } from './sealed-link.ts';
import type { SessionTable, SignalTaker } from './session-table.ts';

export interface VaultLinkParts {
  readonly db: Database;
  readonly head: Head;
  readonly log: Logger;
  readonly relay: CommandRelay;
  readonly sessions: SessionTable;
  /** Throws `too-many-requests`. */
  readonly iceServersFor: (accountUid: Uid) => IssuedServers;
}

/** Commands of one link that wait for their gateway. */
const mostWaitingCommands = 32;

type Body = NonNullable<MessageInitShape<typeof RouterToVaultFrameSchema>['body']>;

export class VaultLink implements LinkUser, SignalTaker {
  readonly #parts: VaultLinkParts;
  readonly #challenge = randomBytes(32);
  #link: SealedLink | null = null;
  #session: Session | null = null;
  #unsubscribe: Unsubscribe = () => undefined;
  #expiry: NodeJS.Timeout | undefined;
  #waitingCommands = 0;
  #gone = false;

  constructor(parts: VaultLinkParts) {
    this.#parts = parts;
  }

  attach(link: SealedLink): void {
    this.#link = link;
  }

  opened(): void {
    this.#send({ case: 'challenge', value: { nonce: this.#challenge } });
  }

  async received(frame: Bytes): Promise<void> {
    const { body } = decodeMessage(VaultFrameSchema, frame);
    if (!this.#session) {
      if (body.case !== 'proof') throw new ProtocolError('not-signed-in', 'the proof comes first');
      return await this.#prove(body.value);
    }
    switch (body.case) {
      case 'command':
        return this.#command(body.value, this.#session);
      case 'signal':
        return this.#signal(body.value, this.#session);
      case 'iceServersRequest':
        return this.#sendIceServers(body.value.requestId, this.#session);
      case 'proof':
        throw new ProtocolError('malformed', 'a second proof');
      case undefined:
        return; // a frame of a later version
    }
  }

  async closed(): Promise<void> {
    this.#gone = true;
    clearTimeout(this.#expiry);
    this.#unsubscribe();
    if (!this.#session) return;
    const { accountUid, deviceUid } = this.#session;
    for (const [gatewayUid, sessionUids] of this.#parts.sessions.leave(this, accountUid)) {
      const from = { accountUid, deviceUid };
      this.#parts.head.publish(`gw.${gatewayUid}`, { kind: 'vault-gone', from, sessionUids });
    }
    this.#parts.log.info({ event: 'vault-link-closed', account: accountUid });
  }

  get gone(): boolean {
    return this.#gone;
  }

  get tokenHash(): Uint8Array {
    return this.#session?.tokenHash ?? empty;
  }

  encodeClosing(code: ErrorCode): Bytes {
    return encodeFrame({ case: 'closing', value: { code } });
  }

  codeOf(error: unknown): ErrorCode {
    return describeFailure(this.#parts.log, 'vault-link', error).code;
  }

  takeSignal(sessionUid: Uid, sealed: Uint8Array): void {
    this.#send({ case: 'signal', value: { sessionUid: uidBytes(sessionUid), sealed } });
  }

  /** Session token and device key: neither alone opens a link. */
  async #prove(proof: VaultProof): Promise<void> {
    const session = await findSession(this.#parts.db, proof.sessionToken, Date.now());
    const claim = {
      subject: 'vault',
      identity: uidBytes(session.deviceUid),
      challenge: this.#challenge,
      binding: this.#open.binding,
    } as const;
    verifyLinkProof(session.devicePublicKey, claim, proof.signature);
    this.#open.admit();
    this.#session = session;
    const subject = `acct.${session.accountUid}` as const;
    this.#unsubscribe = this.#parts.head.subscribe(subject, (message) => this.#take(message));
    this.#watchExpiry(session);
    const linkUid = uidBytes(newUid());
    this.#send({ case: 'welcome', value: { linkUid, serverTimeMs: BigInt(Date.now()) } });
    this.#parts.log.info({ event: 'vault-link-open', account: session.accountUid });
  }

  /** Answers come in their own time: a slow gateway does not hold up the commands to others. */
  #command({ requestId, command }: CommandRequest, session: Session): void {
    if (!command) throw new ProtocolError('malformed', 'no command');
    if (this.#waitingCommands >= mostWaitingCommands)
      return this.#fail(requestId, new ProtocolError('too-many-requests', 'too many commands at once'));
    this.#waitingCommands += 1;
    this.#relay(command, session.tokenHash)
      .then(({ reply, ticket }) =>
        this.#send({
          case: 'commandResult',
          value: { requestId, outcome: { case: 'reply', value: reply }, detourTicket: ticket ?? empty },
        }),
      )
      .catch((error: unknown) => this.#fail(requestId, error))
      .finally(() => (this.#waitingCommands -= 1))
      .catch((error: unknown) => this.#open.close(this.codeOf(error)));
  }

  async #relay(command: SignedCommand, tokenHash: Uint8Array): Promise<Relayed> {
    const now = Date.now();
    const session = await findSessionByHash(this.#parts.db, tokenHash, now);
    await renewSession(this.#parts.db, session, now);
    return await this.#parts.relay.relay(command, session, this);
  }

  #fail(requestId: number, error: unknown): void {
    const failure = this.#parts.relay.failureOf(error);
    this.#send({ case: 'commandResult', value: { requestId, outcome: { case: 'failure', value: failure } } });
    if (failure.code === 'not-signed-in') this.#open.close('not-signed-in');
  }

  #sendIceServers(requestId: number, { accountUid }: Session): void {
    this.#send({ case: 'iceServersResult', value: { requestId, outcome: this.#iceServersFor(accountUid) } });
  }

  #iceServersFor(accountUid: Uid) {
    try {
      return { case: 'servers', value: this.#parts.iceServersFor(accountUid) } as const;
    } catch (error) {
      return { case: 'failure', value: this.#parts.relay.failureOf(error) } as const;
    }
  }

  #signal({ sessionUid: bytes, sealed }: SignalFrame, { accountUid, deviceUid }: Session): void {
    const sessionUid = uidOf(bytes);
    if (sealed.length > limits.signalPlaintext + 1024)
      throw new ProtocolError('too-large', 'the signal is too large');
    const from = { accountUid, deviceUid };
    const gatewayUid = this.#parts.sessions.outgoing(sessionUid, from, this);
    if (gatewayUid)
      this.#parts.head.publish(`gw.${gatewayUid}`, { kind: 'signal', from, sessionUid, sealed });
  }

  #take(message: AccountMessage): void {
    switch (message.kind) {
      case 'new-data':
        return this.#send({ case: 'newData', value: { cursor: BigInt(message.cursor) } });
      case 'gateway-status': {
        const { gatewayUid, online } = message;
        return this.#send({ case: 'gatewayStatus', value: { gatewayUid: uidBytes(gatewayUid), online } });
      }
      case 'signal':
        return this.#parts.sessions.incoming(message.sessionUid, message.gatewayUid, message.sealed, this);
      case 'session-ended':
        return; // the session table hears of it by itself
      case 'account-news':
        return this.#send({ case: 'accountNews', value: {} });
      case 'organisation-news':
        return this.#send({ case: 'organisationNews', value: {} });
      case 'session-share-news':
        return this.#send({ case: 'sessionShareNews', value: {} });
      case 'live-session-news':
        return this.#send({ case: 'liveSessionNews', value: { gatewayUid: uidBytes(message.gatewayUid) } });
      case 'secret-news':
        return this.#send({ case: 'secretNews', value: {} });
      case 'signed-out':
        return this.#signOut(message.which);
    }
  }

  #signOut(which: EndedSessions): void {
    if (this.#session && isEnded(this.tokenHash, which)) this.#open.close('not-signed-in');
  }

  /** A session that is used elsewhere lives on; one that is not ends its link too. */
  #watchExpiry(session: Session): void {
    const wait = Math.max(0, session.expiresAt - Date.now());
    this.#expiry = setTimeout(() => {
      findSessionByHash(this.#parts.db, session.tokenHash, Date.now()).then(
        (current) => (this.#gone ? undefined : this.#watchExpiry(current)),
        () => this.#open.close('not-signed-in'),
      );
    }, wait);
    this.#expiry.unref();
  }

  get #open(): SealedLink {
    if (!this.#link) throw new ProtocolError('internal', 'no link');
    return this.#link;
  }

  #send(body: Body): void {
    this.#link?.send(encodeFrame(body));
  }
}

function encodeFrame(body: Body): Bytes {
  return encodeMessage(RouterToVaultFrameSchema, { body });
}

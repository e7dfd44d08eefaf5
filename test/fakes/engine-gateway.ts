// A gateway made of protocol/ functions alone: enrols, keeps a link, answers commands, and can be told to misbehave.
import { framesVersion } from '../../protocol/channel/frame.ts';
import { create } from '@bufbuild/protobuf';
import { copy, empty, type Bytes } from '../../protocol/bytes.ts';
import { generateEcdhKeyPair, type EcdhKeyPair } from '../../protocol/crypto/ecdh.ts';
import { openWithPrivateKey, sealToPublicKey } from '../../protocol/crypto/ecies.ts';
import { signerOf, type Signer } from '../../protocol/crypto/ecdsa.ts';
import { purposes } from '../../protocol/crypto/labels.ts';
import { decodeBase64 } from '../../protocol/bytes.ts';
import { decodeMessage } from '../../protocol/messages/decode.ts';
import { encodeMessage } from '../../protocol/messages/encode.ts';
import {
  CommandKind,
  CommandReplySchema,
  ConnectReplySchema,
  ConnectRequestSchema,
  GatewayInfoSchema,
  ShareSessionRequestSchema,
  TaskListSchema,
  type CommandReply,
  type ConnectRequest,
  type SignedCommand,
} from '../../protocol/messages/gen/command_pb.js';
import {
  GatewayFrameSchema,
  RouterToGatewayFrameSchema,
  type RouterToGatewayFrame,
} from '../../protocol/messages/gen/link_pb.js';
import { firstText, type RecordContent } from '../../protocol/records/content.ts';
import { readPamResources } from '../../protocol/records/pam-settings.ts';
import { clientIdOf } from '../../protocol/secrets-manager/client-id.ts';
import { SecretsManagerClient } from '../../protocol/secrets-manager/client.ts';
import { parseApplicationCopy } from '../../protocol/session/application-copy.ts';
import { parseEnrolmentToken, type EnrolmentToken } from '../../protocol/session/enrolment-token.ts';
import { proveGatewayIdentity } from '../../protocol/session/gateway-identity.ts';
import { SessionKeys } from '../../protocol/session/session-keys.ts';
import { parseCommand, signReply, verifyCommand } from '../../protocol/signed/command.ts';
import { signLinkProof } from '../../protocol/signed/link-proof.ts';
import { findMember, verifyRoster, type Roster } from '../../protocol/signed/roster.ts';
import { openLink, type LinkChannel } from '../../protocol/transmission/link-channel.ts';
import { parseUid, uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { fetchServerKey } from '../fixtures/sealed-calls.ts';

export interface Misbehaviour {
  /** Proves its identity with a wrong proof. */
  readonly wrongProof?: boolean;
  /** Signs its answers with another key. */
  readonly answerSigner?: Signer;
  /** Says that it speaks that version of frames. */
  readonly frames?: number;
}

export interface AnsweredSession {
  readonly sessionUid: Uid;
  readonly request: ConnectRequest;
  readonly keys: SessionKeys;
  readonly machine: RecordContent;
  readonly credential: RecordContent;
}

export class FakeGateway {
  readonly token: EnrolmentToken;
  readonly device: EcdhKeyPair;
  readonly sessions: AnsweredSession[] = [];
  /** Of the shares that it was told of. */
  readonly secrets = new Map<Uid, Bytes>();
  /** Of the copies that `records` last gave. */
  readonly revisions = new Map<Uid, bigint>();
  readonly signals: { sessionUid: Uid; sealed: Uint8Array }[] = [];
  /** Refuses every command with this code. */
  refusal: { code: string; message: string } | null = null;
  /** Refuses the next commands, one with each. */
  readonly refusalsOnce: { code: string; message: string }[] = [];
  /** Sends these before it answers a connect command. */
  early: Parameters<SessionKeys['sealSignal']>[0][] = [];
  readonly #client: SecretsManagerClient;
  readonly #appKey: Bytes;
  readonly #applicationUid: Uid;
  readonly #organisation: { uid: Uid; key: Bytes };
  readonly #misbehaviour: Misbehaviour;
  readonly #url: string;
  #channel: LinkChannel | null = null;
  #socket: WebSocket | null = null;
  #roster = Promise.withResolvers<Roster>();
  #received = 0n;

  private constructor(parts: {
    url: string;
    token: EnrolmentToken;
    device: EcdhKeyPair;
    client: SecretsManagerClient;
    appKey: Bytes;
    configuration: RecordContent;
    applicationUid: Uid;
    misbehaviour: Misbehaviour;
  }) {
    this.token = parts.token;
    this.device = parts.device;
    this.#url = parts.url;
    this.#client = parts.client;
    this.#appKey = parts.appKey;
    this.#applicationUid = parts.applicationUid;
    const { organisationUid, organisationKey } = readPamResources(parts.configuration);
    const key = decodeBase64(organisationKey.replaceAll('-', '+').replaceAll('_', '/'));
    this.#organisation = { uid: organisationUid, key };
    this.#misbehaviour = parts.misbehaviour;
  }

  static async enrol(url: string, tokenText: string, misbehaviour: Misbehaviour = {}): Promise<FakeGateway> {
    const token = parseEnrolmentToken(tokenText);
    const device = generateEcdhKeyPair();
    const client = new SecretsManagerClient({
      url,
      fetch: (at, init) => fetch(at, { ...init, body: init.body }),
      serverKey: await fetchServerKey(url),
      clientId: clientIdOf(token.token),
      privateKey: device.privateKey,
      wait: () => Promise.resolve(),
    });
    let appKey: Bytes = empty;
    const secrets = await client.bind(token.token, (bound) => void (appKey = bound.appKey));
    const record = secrets.records.find(({ recordUid }) => recordUid === token.configurationUid);
    if (!record) throw new Error('the application has no configuration');
    const named = JSON.parse(record.content) as { sallyport: { applicationUid: string } };
    const applicationUid = parseUid(named.sallyport.applicationUid);
    const recordUid = token.configurationUid;
    const configuration = parseApplicationCopy(record.content, { recordUid, applicationUid }).content;
    return new FakeGateway({
      url,
      token,
      device,
      client,
      appKey,
      configuration,
      applicationUid,
      misbehaviour,
    });
  }

  /** Titles, types and fields of everything that its application has. */
  async records(): Promise<Map<Uid, RecordContent>> {
    const { records } = await this.#client.getSecret();
    const applicationUid = this.#applicationUid;
    return new Map(
      records.map(({ recordUid, content }) => {
        const uid = parseUid(recordUid);
        const copied = parseApplicationCopy(content, { recordUid: uid, applicationUid });
        this.revisions.set(uid, copied.revision);
        return [uid, copied.content];
      }),
    );
  }

  /** Resolves when the router welcomed it. */
  async connect(): Promise<void> {
    const { opening, channel } = await openLink(await fetchServerKey(this.#url));
    this.#channel = channel;
    const socket = new WebSocket(`${this.#url.replace('http', 'ws')}/api/v1/gateway-link`);
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    const welcomed = Promise.withResolvers<void>();
    socket.addEventListener('open', () => socket.send(opening));
    socket.addEventListener('close', () => welcomed.reject(new Error('the router closed the link')));
    socket.addEventListener('message', ({ data }: MessageEvent<ArrayBuffer>) => {
      void this.#take(new Uint8Array(data), welcomed.resolve).catch(welcomed.reject);
    });
    await welcomed.promise;
  }

  async close(): Promise<void> {
    const socket = this.#socket;
    if (!socket || socket.readyState === WebSocket.CLOSED) return;
    await new Promise((resolve) => {
      socket.addEventListener('close', resolve);
      socket.close();
    });
  }

  /** Sends a signal of a session. */
  async signal(sessionUid: Uid, body: Parameters<SessionKeys['sealSignal']>[0]): Promise<Bytes> {
    const session = this.sessions.find((one) => one.sessionUid === sessionUid);
    if (!session) throw new Error('no such session');
    const sealed = await session.keys.sealSignal(body);
    await this.sendSealed(sessionUid, sealed);
    return sealed;
  }

  async sendSealed(sessionUid: Uid, sealed: Bytes): Promise<void> {
    await this.#send({ case: 'signal', value: { sessionUid: uidBytes(sessionUid), sealed } });
  }

  async #take(sealed: Uint8Array, welcomed: () => void): Promise<void> {
    const frame = decodeMessage(RouterToGatewayFrameSchema, (await this.#channel?.open(sealed)) ?? empty);
    if (frame.body.case === 'challenge') return await this.#prove(frame.body.value.nonce);
    if (frame.body.case === 'welcome') {
      await this.#send({ case: 'rosterRequest', value: {} });
      return welcomed();
    }
    this.#received++;
    await this.#handle(frame.body);
  }

  async #handle(body: RouterToGatewayFrame['body']): Promise<void> {
    if (body.case === 'roster') {
      const { uid: organisationUid, key: organisationKey } = this.#organisation;
      const roster = verifyRoster(body.value, { organisationUid, organisationKey, minimumVersion: 1n });
      return this.#roster.resolve(roster);
    }
    if (body.case === 'signal') {
      const { sessionUid, sealed } = body.value;
      const session = this.sessions.find((one) => Buffer.compare(uidBytes(one.sessionUid), sessionUid) === 0);
      if (session) this.signals.push({ sessionUid: session.sessionUid, sealed });
      return;
    }
    if (body.case !== 'command' || !body.value.command) return;
    const reply = await this.#answer(body.value.command);
    await this.#send({ case: 'reply', value: { relayId: body.value.relayId, reply } });
  }

  async #answer(signed: SignedCommand): Promise<CommandReply> {
    const once = this.refusalsOnce.shift();
    if (once) return create(CommandReplySchema, { outcome: { case: 'refused', value: once } });
    if (this.refusal)
      return create(CommandReplySchema, { outcome: { case: 'refused', value: this.refusal } });
    const roster = await this.#roster.promise;
    const member = findMember(roster, parseCommand(signed).accountUid);
    if (!member) throw new Error('the sender is not in the roster');
    const command = verifyCommand(member.signingPublicKey, signed, Date.now());
    const signer = this.#misbehaviour.answerSigner ?? signerOf(this.device.privateKey);
    const forAccount = async (reply: Bytes) => {
      const objects = [this.token.gatewayUid, command.commandUid];
      const signedReply = await signReply(signer, signed.command, reply);
      return sealed(await sealToPublicKey(member.ecdhPublicKey, purposes.commandReply, objects, signedReply));
    };
    switch (command.kind) {
      case CommandKind.GATEWAY_INFO:
        return forAccount(
          encodeMessage(GatewayInfoSchema, { version: '9.9', hostname: 'fake', sessions: 3 }),
        );
      case CommandKind.LIST_TASKS:
        return forAccount(
          encodeMessage(TaskListSchema, { tasks: [{ taskUid: uidBytes(command.commandUid) }] }),
        );
      case CommandKind.CONNECT:
        return await this.#connectSession(signed, command, signer);
      case CommandKind.JOIN_SESSION:
        return await this.#letIn(signed, command, signer);
      case CommandKind.SHARE_SESSION: {
        const objects = [this.token.gatewayUid, command.accountUid];
        const own = this.device;
        const opened = await openWithPrivateKey(own, 'command-payload', objects, signed.sealedPayload);
        const { shareUid, secret } = decodeMessage(ShareSessionRequestSchema, opened);
        this.secrets.set(uidOf(shareUid), copy(secret));
        return forAccount(empty);
      }
      default:
        return forAccount(empty);
    }
  }

  /** A guest, by the secret of the share that they name. */
  async #letIn(
    signed: SignedCommand,
    { shareUid, sessionUid, sessionNonce }: ReturnType<typeof verifyCommand>,
    signer: Signer,
  ): Promise<CommandReply> {
    const secret = shareUid && this.secrets.get(shareUid);
    if (!secret || !sessionUid) throw new Error('a join names a share and a session');
    const scope = { sessionUid, recordUid: shareUid, gatewayUid: this.token.gatewayUid };
    const keys = await SessionKeys.derive('gateway', scope, copy(secret), copy(sessionNonce));
    await keys.openMessage(signed.sealedPayload);
    const reply = encodeMessage(ConnectReplySchema, {
      frames: this.#misbehaviour.frames ?? framesVersion,
      answer: 'v=0',
      streamToken: new Uint8Array(16),
    });
    return sealed(await keys.sealMessage(await signReply(signer, signed.command, reply)));
  }

  async #connectSession(
    signed: SignedCommand,
    { recordUid, sessionUid, sessionNonce }: ReturnType<typeof verifyCommand>,
    signer: Signer,
  ): Promise<CommandReply> {
    if (!recordUid || !sessionUid) throw new Error('a connect command names record and session');
    const records = await this.records();
    const machine = records.get(recordUid);
    if (!machine) throw new Error('the machine is not shared');
    const scope = { sessionUid, recordUid, gatewayUid: this.token.gatewayUid };
    const seed = decodeBase64(firstText(machine, 'trafficEncryptionSeed'));
    const keys = await SessionKeys.derive('gateway', scope, seed, copy(sessionNonce));
    const request = decodeMessage(ConnectRequestSchema, await keys.openMessage(signed.sealedPayload));
    const credential = [...records.values()].find(({ type }) => type === 'pamUser');
    if (!credential) throw new Error('the credential is not shared');
    this.sessions.push({ sessionUid, request, keys, machine, credential });
    for (const body of this.early) await this.signal(sessionUid, body);
    const reply = encodeMessage(ConnectReplySchema, {
      frames: this.#misbehaviour.frames ?? framesVersion,
      answer: 'the answer',
      streamToken: new Uint8Array(16),
    });
    return sealed(await keys.sealMessage(await signReply(signer, signed.command, reply)));
  }

  async #prove(challenge: Uint8Array): Promise<void> {
    const identity = clientIdOf(this.token.token);
    const binding = this.#channel?.binding ?? empty;
    const { gatewayUid } = this.token;
    const proof = { subject: 'gateway', identity, challenge, binding } as const;
    const right = proveGatewayIdentity(this.#appKey, gatewayUid, this.device.publicKey);
    await this.#send({
      case: 'proof',
      value: {
        clientId: identity,
        gatewayUid: uidBytes(gatewayUid),
        version: '9.9.9',
        signature: await signLinkProof(signerOf(this.device.privateKey), proof),
        identityProof: this.#misbehaviour.wrongProof ? right.map((byte) => byte ^ 1) : right,
      },
    });
  }

  async #send(
    body: NonNullable<Parameters<typeof encodeMessage<typeof GatewayFrameSchema>>[1]['body']>,
  ): Promise<void> {
    const frame = encodeMessage(GatewayFrameSchema, { body, received: this.#received });
    const sealedFrame = await this.#channel?.seal(frame);
    if (sealedFrame) this.#socket?.send(sealedFrame);
  }
}

function sealed(value: Bytes): CommandReply {
  return create(CommandReplySchema, { outcome: { case: 'sealed', value } });
}

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { WebSocket, WebSocketServer } from 'ws';
import { concat, copy, type Bytes } from '../../protocol/bytes.ts';
import { generateEcdhKeyPair } from '../../protocol/crypto/ecdh.ts';
import { signerOf } from '../../protocol/crypto/ecdsa.ts';
import { sha256 } from '../../protocol/crypto/hash.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { decodeMessage } from '../../protocol/messages/decode.ts';
import { encodeMessage } from '../../protocol/messages/encode.ts';
import type { SignedRoster } from '../../protocol/messages/gen/account_pb.js';
import { ServerKeySetSchema } from '../../protocol/messages/gen/api_pb.js';
import type { CommandReply, SignedCommand } from '../../protocol/messages/gen/command_pb.js';
import type { IceServersSchema } from '../../protocol/messages/gen/link_pb.js';
import {
  GatewayFrameSchema,
  RouterToGatewayFrameSchema,
  type GatewayFrame,
  type GatewayProof,
} from '../../protocol/messages/gen/link_pb.js';
import { encodeErrorBody } from '../../protocol/secrets-manager/error-body.ts';
import { parseReadSecrets } from '../../protocol/secrets-manager/requests.ts';
import { encodeSecretsResponse, type SecretsRecord } from '../../protocol/secrets-manager/responses.ts';
import { verifyLinkProof } from '../../protocol/signed/link-proof.ts';
import { acceptLink, type LinkChannel } from '../../protocol/transmission/link-channel.ts';
import { signServerKeys } from '../../protocol/transmission/server-keys.ts';
import { newUid, uidBytes } from '../../protocol/uid.ts';
import { VerifyingKeys } from '../../server/secrets-manager/wire-crypto.ts';
import { openWireRequest } from '../../server/secrets-manager/wire-request.ts';
import { sealedAnswer } from '../fixtures/secrets/sealed-answer.ts';

type RouterBody = NonNullable<MessageInitShape<typeof RouterToGatewayFrameSchema>['body']>;

/** What the server keeps of one secrets-manager client. */
export interface ClientRow {
  readonly clientId: Bytes;
  readonly encryptedAppKey: Bytes;
  publicKey: Bytes | null;
}

export interface TlsIdentity {
  readonly cert: string;
  readonly key: string;
}

/**
 * A server that speaks bytes and does what a test tells it, honest or not: server keys, get_secret, and the gateway's
 * link. One gateway, one client.
 */
export class FakeRouter {
  readonly identity = signerOf(generateEcdhKeyPair().privateKey);
  readonly records = new Map<string, SecretsRecord>();
  keySetVersion = 1n;
  client: ClientRow | null = null;
  roster: SignedRoster | null = null;
  /** Sees every frame of the gateway after its proof. */
  onFrame: (frame: GatewayFrame) => void = () => {};
  /** Set to refuse resuming. */
  canResume = true;
  readonly proofs: GatewayProof[] = [];
  readonly #serverKey = { id: 20, ...generateEcdhKeyPair() };
  readonly #http: Server;
  readonly #scheme: 'http' | 'https';
  readonly #sockets = new WebSocketServer({ noServer: true });
  readonly #waiting = new Map<bigint, (reply: CommandReply) => void>();
  #link: { socket: WebSocket; channel: LinkChannel } | null = null;
  #linkUid: Bytes = uidBytes(newUid());
  #linked = Promise.withResolvers<void>();
  #relayId = 0n;
  #received = 0n;
  #sent: RouterBody[] = [];

  private constructor(tls: TlsIdentity | null) {
    const answer = (request: IncomingMessage, response: ServerResponse) =>
      // Whoever asks may be gone before all of it is there.
      void this.#answer(request, response).catch(() => response.destroy());
    this.#scheme = tls === null ? 'http' : 'https';
    this.#http = tls === null ? createServer(answer) : createTlsServer({ ...tls }, answer);
    this.#http.on('upgrade', (request, socket, head) => {
      this.#sockets.handleUpgrade(request, socket, head, (opened) => this.#accept(opened));
    });
  }

  static async start(tls: TlsIdentity | null = null): Promise<FakeRouter> {
    const router = new FakeRouter(tls);
    await new Promise<void>((resolve) => router.#http.listen(0, '127.0.0.1', resolve));
    return router;
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  get identityHash(): Bytes {
    return sha256(this.identity.publicKey);
  }

  /** Settles when the gateway is linked. */
  get linked(): Promise<void> {
    return this.#linked.promise;
  }

  /** Frames that the gateway has sent on its link, as the router counts them. */
  get received(): bigint {
    return this.#received;
  }

  /** Relays a command and gives the gateway's reply. */
  relay(
    command: SignedCommand,
    iceServers?: MessageInitShape<typeof IceServersSchema>,
    detourTicket: Uint8Array = new Uint8Array(0),
  ): Promise<CommandReply> {
    const relayId = ++this.#relayId;
    const reply = new Promise<CommandReply>((resolve) => this.#waiting.set(relayId, resolve));
    this.send({
      case: 'command',
      value: { relayId, command, detourTicket, ...(iceServers && { iceServers }) },
    });
    return reply;
  }

  send(body: RouterBody): void {
    this.#sent.push(body);
    this.#transmit(body);
  }

  /** Breaks the link without a word. */
  breakLink(): void {
    this.#linked = Promise.withResolvers();
    this.#link?.socket.terminate();
    this.#link = null;
  }

  async close(): Promise<void> {
    this.#link?.socket.terminate();
    this.#sockets.close();
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    if (request.url === '/api/v1/server-keys') return void response.end(await this.#signedKeys());
    try {
      response.end(await this.#getSecret(request, copy(body)));
    } catch (error) {
      const known = error instanceof ProtocolError ? error.code : 'internal';
      const { status, body: refusal } = encodeErrorBody('access_denied', known);
      response.writeHead(status).end(refusal);
    }
  }

  #signedKeys(): Promise<Bytes> {
    const { id, publicKey } = this.#serverKey;
    const keys = [{ keyId: id, publicKey, expiresAtMs: 0n }];
    return signServerKeys(this.identity, create(ServerKeySetSchema, { version: this.keySetVersion, keys }));
  }

  async #getSecret(request: IncomingMessage, body: Bytes): Promise<Bytes> {
    const opened = openWireRequest({
      headers: request.headers,
      body,
      serverKeys: [this.#serverKey],
    });
    const payload = parseReadSecrets(opened.payload);
    const client = this.client;
    if (client === null) throw new ProtocolError('not-allowed');
    const publicKey = client.publicKey ?? payload.publicKey;
    if (publicKey === null) throw new ProtocolError('not-allowed');
    new VerifyingKeys().verify(publicKey, opened.signedBytes, opened.signature);
    client.publicKey = publicKey;
    const wanted = payload.requestedRecords;
    const records = [...this.records].filter(([uid]) => wanted.length === 0 || wanted.includes(uid));
    const binding = payload.publicKey !== null;
    return sealedAnswer(
      opened,
      encodeSecretsResponse({
        appData: null,
        encryptedAppKey: binding ? client.encryptedAppKey : null,
        appOwnerPublicKey: null,
        folders: [],
        records: records.map(([, record]) => record),
        expiresOn: 0,
        warnings: [],
      }),
    );
  }

  #accept(socket: WebSocket): void {
    const challenge = randomBytes(32);
    let channel: LinkChannel | null = null;
    let proved = false;
    let handled = Promise.resolve();
    const take = async (bytes: Bytes) => {
      if (channel === null) {
        channel = await acceptLink([this.#serverKey], bytes);
        socket.send(
          await channel.seal(encodeRouterFrame({ case: 'challenge', value: { nonce: challenge } })),
        );
        return;
      }
      const frame = decodeMessage(GatewayFrameSchema, await channel.open(bytes));
      if (proved) return this.#take(frame);
      if (frame.body.case !== 'proof') throw new ProtocolError('malformed');
      proved = true;
      this.#welcome(frame.body.value, challenge, socket, channel);
    };
    socket.on('message', (data) => {
      const bytes = concat(new Uint8Array(data as Buffer));
      handled = handled.then(() => take(bytes)).catch(() => socket.terminate());
    });
    socket.on('error', () => {});
  }

  #welcome(proof: GatewayProof, challenge: Bytes, socket: WebSocket, channel: LinkChannel): void {
    this.proofs.push(proof);
    const client = this.client;
    if (!client?.publicKey) throw new ProtocolError('not-allowed');
    const identity = client.clientId;
    const claim = { subject: 'gateway', identity, challenge, binding: channel.binding } as const;
    verifyLinkProof(client.publicKey, claim, proof.signature);
    const resumed = this.canResume && Buffer.compare(proof.resumeLinkUid, this.#linkUid) === 0;
    if (!resumed) {
      this.#linkUid = uidBytes(newUid());
      this.#received = 0n;
      this.#sent = [];
    }
    this.#link = { socket, channel };
    const again = this.#sent.slice(Number(proof.resumeReceived));
    this.#transmit({ case: 'welcome', value: { linkUid: this.#linkUid, resumed, received: this.#received } });
    for (const body of again) this.#transmit(body);
    if (this.roster) this.send({ case: 'roster', value: this.roster });
    this.#linked.resolve();
  }

  #take(frame: GatewayFrame): void {
    const { body } = frame;
    if (body.case === undefined) return;
    this.#received++;
    if (body.case === 'reply' && body.value.reply) this.#waiting.get(body.value.relayId)?.(body.value.reply);
    if (body.case === 'rosterRequest' && this.roster) this.send({ case: 'roster', value: this.roster });
    this.onFrame(frame);
  }

  #transmit(body: RouterBody): void {
    const link = this.#link;
    if (link === null) return;
    const sealed = link.channel.seal(encodeRouterFrame(body, this.#received));
    void sealed.then((bytes) => link.socket.readyState === WebSocket.OPEN && link.socket.send(bytes));
  }
}

function encodeRouterFrame(body: RouterBody, received = 0n): Bytes {
  return encodeMessage(RouterToGatewayFrameSchema, { body, received });
}

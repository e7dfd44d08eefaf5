// A server in memory that speaks the real bytes and lies on request: between what it stores and what it answers stands
// a test. Runs in Node and in the browser.
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import { encodeBase64url, utf8, type Bytes } from '../../protocol/bytes.ts';
import { generateEcdhKeyPair } from '../../protocol/crypto/ecdh.ts';
import { signerOf } from '../../protocol/crypto/ecdsa.ts';
import { ProtocolError, toProtocolError } from '../../protocol/errors.ts';
import { decodeMessage } from '../../protocol/messages/decode.ts';
import { encodeMessage } from '../../protocol/messages/encode.ts';
import {
  ApiRequestSchema,
  ApiResponseSchema,
  ServerKeySetSchema,
} from '../../protocol/messages/gen/api_pb.js';
import {
  ApplicationService,
  GatewaySchema,
  type Gateway,
} from '../../protocol/messages/gen/application_pb.js';
import { RecordService, type Record as VaultRecord } from '../../protocol/messages/gen/record_pb.js';
import { SharingService, type FolderEntry, type Grant } from '../../protocol/messages/gen/sharing_pb.js';
import { openRequest } from '../../protocol/transmission/request.ts';
import { signServerKeys } from '../../protocol/transmission/server-keys.ts';
import { HostileAccounts, type StoredAccount } from './hostile-accounts.ts';
import { HostileOrganisation, serveOrganisation } from './hostile-organisation.ts';
import { HostileRecovery, serveRecovery } from './hostile-recovery.ts';
import { HostileRecords } from './hostile-records.ts';
import type { HttpAnswer, Socket, SocketEvents, Transport } from '../../workers/engine/environment.ts';

type Method = DescMethodUnary<DescMessage, DescMessage>;
type Handler = (input: never, email: string) => unknown;

/** Answers a method: `email` is whose session it is, empty without one. */
export type Serve = <I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  handle: (input: MessageShape<I>, email: string) => MessageInitShape<O>,
) => void;

export class HostileServer {
  readonly origin = 'https://vault.example.test';
  readonly transport: Transport = {
    request: (url, body) => this.#request(url, body),
    openSocket: (url, events) => this.#refuseSocket(url, events),
  };
  /** Everything that was asked for, in order. */
  readonly urls: string[] = [];
  /** Every request body, as it went over the wire. */
  readonly bodies: Bytes[] = [];
  /** Told of every opened request. */
  onRequest: (payload: Bytes) => void = () => {};
  readonly people: HostileAccounts;
  readonly accounts: Map<string, StoredAccount>;
  readonly vault = new HostileRecords();
  readonly records = this.vault.records;
  readonly gateways: Gateway[] = [];
  readonly organisation: HostileOrganisation;
  readonly recovery = new HostileRecovery();
  /** Every grant and entry that was ever sent, in order. */
  readonly grants: Grant[] = [];
  readonly entries: FolderEntry[] = [];
  /** Application keys by gateway, wrapped under the one-time tokens that this server never saw. */
  readonly appKeys = new Map<string, Uint8Array>();
  identity = signerOf(generateEcdhKeyPair().privateKey);
  keySetVersion = 1n;
  /** Whatever the server says, as a sealed answer would have it. */
  clearAnswer: HttpAnswer | null = null;
  readonly #key = generateEcdhKeyPair();
  readonly #lies = new Map<string, (output: never) => void>();
  readonly #handlers = new Map<string, { method: Method; handle: Handler }>();

  static async start(): Promise<HostileServer> {
    const organisation = new HostileOrganisation();
    return new HostileServer(organisation, await HostileAccounts.start(organisation));
  }

  private constructor(organisation: HostileOrganisation, people: HostileAccounts) {
    this.people = people;
    this.organisation = organisation;
    this.accounts = people.stored;
    const on: Serve = (method, handle) => this.#on(method, handle);
    people.serve(on);
    serveOrganisation(this, on);
    serveRecovery(this, on);
    this.#serveRecords();
    this.#serveApplications();
    this.#serveSharing();
  }

  /** From now on every answer of that method goes through the lie. */
  lie<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    change: (output: MessageShape<O>) => void,
  ): void {
    this.#lies.set(`${method.parent.name}/${method.name}`, change as (output: never) => void);
  }

  honest(): void {
    this.#lies.clear();
  }

  /** The stored records in the order of their writing. */
  get stored(): VaultRecord[] {
    return [...this.records.values()].sort((a, b) => Number(a.cursor - b.cursor)).map(({ record }) => record);
  }

  /** The next sync of every client shows these again, as they are now. */
  touch(): void {
    this.vault.touch();
  }

  #on<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    handle: (input: MessageShape<I>, email: string) => MessageInitShape<O>,
  ): void {
    const name = `${method.parent.name}/${method.name}`;
    this.#handlers.set(name, { method: method as unknown as Method, handle: handle as Handler });
  }

  async #request(url: URL, body: Bytes | null): Promise<HttpAnswer> {
    this.urls.push(url.href);
    if (this.clearAnswer) return this.clearAnswer;
    if (url.pathname === '/api/v1/server-keys') return { status: 200, body: await this.#serverKeys() };
    if (body === null) return { status: 404, body: utf8('{}') };
    this.bodies.push(body);
    const name = url.pathname.replace('/api/v1/', '');
    const keys = [{ id: 1, ...this.#key }];
    const opened = await openRequest(keys, name, body);
    this.onRequest(opened.payload);
    return { status: 200, body: await opened.sealResponse(this.#answer(name, opened.payload)) };
  }

  async #serverKeys(): Promise<Bytes> {
    const keys = [{ keyId: 1, publicKey: this.#key.publicKey, expiresAtMs: 0n }];
    return await signServerKeys(
      this.identity,
      create(ServerKeySetSchema, { version: this.keySetVersion, keys }),
    );
  }

  #answer(name: string, payload: Bytes): Bytes {
    try {
      const request = decodeMessage(ApiRequestSchema, payload);
      const found = this.#handlers.get(name);
      if (!found) throw new ProtocolError('not-found', name);
      const email = this.people.emailOf(request.sessionToken);
      const input = decodeMessage(found.method.input, request.payload) as never;
      const output = create(found.method.output, found.handle(input, email) as Record<string, unknown>);
      this.#lies.get(name)?.(output as never);
      const value = encodeMessage(found.method.output, output);
      return encodeMessage(ApiResponseSchema, { outcome: { case: 'payload', value } });
    } catch (error) {
      const { code, message } = toProtocolError(error) ?? new ProtocolError('internal', String(error));
      return encodeMessage(ApiResponseSchema, { outcome: { case: 'error', value: { code, message } } });
    }
  }

  #refuseSocket(url: URL, events: SocketEvents): Socket {
    this.urls.push(url.href);
    queueMicrotask(() => events.closed());
    return { waiting: 0, send: () => {}, close: () => {} };
  }

  #serveRecords(): void {
    const { method } = RecordService;
    const { vault, people } = this;
    const ownerOf = (email: string) => people.require(email).account.accountUid;
    this.#on(method.sync, ({ cursor }, email) => vault.sync(ownerOf(email), cursor));
    this.#on(method.putRecords, (input, email) => vault.put(ownerOf(email), input));
    this.#on(method.purgeRecords, (input, email) => vault.purge(ownerOf(email), input));
    this.#on(method.putCards, (input, email) => vault.putCards(ownerOf(email), input));
    this.#on(method.listHistory, ({ recordUid, beforeRevision }) =>
      vault.listHistory(recordUid, beforeRevision),
    );
  }

  /** Keeps what it is given, and shows it when a test says so. */
  #serveSharing(): void {
    this.#on(SharingService.method.putGrants, ({ grants }) => {
      this.grants.push(...grants);
      return { cursor: this.vault.cursor };
    });
    this.#on(SharingService.method.putEntries, ({ entries }) => {
      this.entries.push(...entries);
      return { cursor: this.vault.cursor };
    });
  }

  #serveApplications(): void {
    const { method } = ApplicationService;
    this.#on(method.createApplication, () => ({}));
    this.#on(method.listApplications, () => ({}));
    this.#on(method.shareRecords, () => ({}));
    this.#on(method.unshareRecords, () => ({}));
    this.#on(
      method.addClient,
      ({ gatewayUid, applicationUid, clientId, encryptedAppKey, firstAccessExpiresAtMs }) => {
        const tokenExpiresAtMs = firstAccessExpiresAtMs;
        this.appKeys.set(encodeBase64url(gatewayUid), encryptedAppKey);
        this.gateways.push(create(GatewaySchema, { gatewayUid, applicationUid, clientId, tokenExpiresAtMs }));
        return {};
      },
    );
    this.#on(method.listGateways, () => ({ gateways: this.gateways }));
  }
}

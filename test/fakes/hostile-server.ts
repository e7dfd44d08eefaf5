// A server in memory that speaks the real bytes and lies on request: between what it stores and what it answers stands
// a test. Runs in Node and in the browser.
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import { ready, server as opaque } from '@serenity-kit/opaque';
import { encodeBase64url, equal, utf8, type Bytes } from '../../protocol/bytes.ts';
import { generateEcdhKeyPair } from '../../protocol/crypto/ecdh.ts';
import { signerOf } from '../../protocol/crypto/ecdsa.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { ProtocolError, toProtocolError } from '../../protocol/errors.ts';
import { decodeMessage } from '../../protocol/messages/decode.ts';
import { encodeMessage } from '../../protocol/messages/encode.ts';
import {
  AccountService,
  LoginFactor,
  OrganisationBundleSchema,
  type AccountBundle,
  type OrganisationBundle,
} from '../../protocol/messages/gen/account_pb.js';
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
import { OrganisationService } from '../../protocol/messages/gen/organisation_pb.js';
import { SharingService, type FolderEntry, type Grant } from '../../protocol/messages/gen/sharing_pb.js';
import { openRequest } from '../../protocol/transmission/request.ts';
import { signServerKeys } from '../../protocol/transmission/server-keys.ts';
import { HostileOrganisation } from './hostile-organisation.ts';
import { HostileRecovery, serveRecovery } from './hostile-recovery.ts';
import { HostileRecords } from './hostile-records.ts';
import type { HttpAnswer, Socket, SocketEvents, Transport } from '../../workers/engine/environment.ts';

type Method = DescMethodUnary<DescMessage, DescMessage>;
type Handler = (input: never, session: string) => unknown;

interface StoredFactor {
  readonly record: string;
  readonly sealedDataKey: Uint8Array;
}

interface StoredAccount {
  readonly account: AccountBundle;
  readonly organisation: OrganisationBundle;
  readonly factors: Map<LoginFactor, StoredFactor>;
}

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
  readonly accounts = new Map<string, StoredAccount>();
  readonly vault = new HostileRecords();
  readonly records = this.vault.records;
  readonly gateways: Gateway[] = [];
  readonly organisation = new HostileOrganisation();
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
  readonly #sessions = new Map<string, string>();
  readonly #invited = new Map<string, Uint8Array>();
  readonly #pending = new Map<string, { email: string; factor: LoginFactor; state: string }>();
  #opaqueSetup = '';

  static async start(): Promise<HostileServer> {
    await ready;
    const server = new HostileServer();
    server.#opaqueSetup = opaque.createSetup();
    return server;
  }

  private constructor() {
    this.#serveAccounts();
    this.#serveRecords();
    this.#serveApplications();
    this.#serveOrganisation();
    this.#serveSharing();
    serveRecovery(this, (method, handle) => this.#on(method, handle));
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
      const email = this.#sessions.get(encodeBase64url(request.sessionToken)) ?? '';
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

  #serveAccounts(): void {
    const { method } = AccountService;
    this.#on(method.getServerInfo, () => ({ version: 'hostile', openSignUp: true }));
    this.#on(method.startRegistration, ({ email, passwordRequest, recoveryRequest, invitationUid }) => {
      if (invitationUid.length > 0) this.#invited.set(encodeBase64url(utf8(email)), invitationUid);
      return {
        registrationUid: utf8(email),
        passwordResponse: this.#register(email, LoginFactor.PASSWORD, passwordRequest),
        recoveryResponse: this.#register(email, LoginFactor.RECOVERY, recoveryRequest),
      };
    });
    this.#on(method.finishRegistration, ({ account, organisation: founded, ...input }) => {
      const organisation = founded ?? this.#joined(input.registrationUid);
      if (!account || !organisation) throw new ProtocolError('malformed');
      if (founded?.roster && this.organisation.rosters.length === 0)
        this.organisation.rosters.push(founded.roster);
      const invited = this.#invited.get(encodeBase64url(input.registrationUid));
      if (invited) this.organisation.accept(account, invited, input.invitationProof);
      const factors = new Map([
        [LoginFactor.PASSWORD, { record: input.passwordRecord, sealedDataKey: input.passwordSealedDataKey }],
        [LoginFactor.RECOVERY, { record: input.recoveryRecord, sealedDataKey: input.recoverySealedDataKey }],
      ]);
      this.accounts.set(account.email, { account, organisation, factors });
      return { session: this.#newSession(account.email) };
    });
    this.#on(method.startLogin, ({ email, factor, loginRequest: startLoginRequest }) => {
      const registrationRecord = this.accounts.get(email)?.factors.get(factor)?.record ?? null;
      const userIdentifier = `${factor}:${email}`;
      const parts = { serverSetup: this.#opaqueSetup, userIdentifier, registrationRecord, startLoginRequest };
      const { serverLoginState: state, loginResponse } = opaque.startLogin(parts);
      const loginUid = randomBytes(16);
      this.#pending.set(encodeBase64url(loginUid), { email, factor, state });
      return { loginUid, loginResponse };
    });
    this.#on(method.finishLogin, ({ loginUid, loginFinish }) => {
      const pending = this.#pending.get(encodeBase64url(loginUid));
      const stored = this.accounts.get(pending?.email ?? '');
      if (!pending || !stored) throw new ProtocolError('login-refused');
      opaque.finishLogin({ serverLoginState: pending.state, finishLoginRequest: loginFinish });
      const sealedDataKey = stored.factors.get(pending.factor)?.sealedDataKey ?? new Uint8Array(0);
      const { account, organisation } = stored;
      return { session: this.#newSession(pending.email), account, organisation, sealedDataKey };
    });
    this.#on(method.renewSession, (_, email) => {
      if (email === '') throw new ProtocolError('not-signed-in');
      return { expiresAtMs: BigInt(Date.now() + 3_600_000) };
    });
    this.#on(method.logout, () => ({}));
  }

  #serveRecords(): void {
    const { method } = RecordService;
    const ownerOf = (email: string) => {
      const account = this.accounts.get(email)?.account;
      if (!account) throw new ProtocolError('not-signed-in');
      return account.accountUid;
    };
    const { vault } = this;
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

  #serveOrganisation(): void {
    const { method } = OrganisationService;
    const { organisation } = this;
    const storedOf = (email: string) => {
      const stored = this.accounts.get(email);
      if (!stored) throw new ProtocolError('not-signed-in');
      return stored;
    };
    this.#on(method.getOrganisation, ({ knownRosterVersion }, email) =>
      organisation.get(storedOf(email).account, knownRosterVersion),
    );
    this.#on(method.putRoster, (input) => (organisation.put(input), {}));
    this.#on(method.putOrganisationSettings, ({ settings }) => {
      organisation.settings = settings ?? null;
      return {};
    });
    this.#on(method.createInvitation, (input, email) => {
      organisation.invite(storedOf(email).account, input);
      return {};
    });
    this.#on(method.revokeInvitation, () => ({})); // and keeps it
    this.#on(method.listInvitations, () => ({
      invitations: [...organisation.invitations.values()].map(({ invitation }) => invitation),
    }));
    this.#on(method.openInvitation, ({ invitationUid, token }) => {
      const { email, inviterUid } = organisation.invitation(invitationUid, token);
      const inviter = [...this.accounts.values()].find(({ account }) =>
        equal(account.accountUid, inviterUid),
      );
      if (!inviter) throw new ProtocolError('not-found');
      const { organisationUid, signingPublicKey: organisationKey } = inviter.organisation;
      return { email, organisationUid, organisationKey, inviterEmail: inviter.account.email };
    });
    this.#on(method.keepOrganisationKeys, (input, email) => {
      organisation.keep(storedOf(email).organisation, input);
      return {};
    });
  }

  /** Of an account that came by invitation. */
  #joined(registrationUid: Uint8Array): OrganisationBundle | undefined {
    if (!this.#invited.has(encodeBase64url(registrationUid))) return undefined;
    const founder = [...this.accounts.values()][0]?.organisation;
    return (
      founder &&
      create(OrganisationBundleSchema, {
        organisationUid: founder.organisationUid,
        signingPublicKey: founder.signingPublicKey,
      })
    );
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

  #register(email: string, factor: LoginFactor, registrationRequest: string): string {
    const userIdentifier = `${factor}:${email}`;
    const parts = { serverSetup: this.#opaqueSetup, userIdentifier, registrationRequest };
    return opaque.createRegistrationResponse(parts).registrationResponse;
  }

  #newSession(email: string) {
    const sessionToken = randomBytes(32);
    this.#sessions.set(encodeBase64url(sessionToken), email);
    return { sessionToken, expiresAtMs: BigInt(Date.now() + 3_600_000), serverTimeMs: BigInt(Date.now()) };
  }
}

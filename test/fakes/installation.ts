import { framesVersion } from '../../protocol/channel/frame.ts';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { AccessProofSchema } from '../../protocol/messages/gen/sharing_pb.js';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { copy, empty, encodeBase64, encodeBase64url, type Bytes } from '../../protocol/bytes.ts';
import { importAesKey, sealBlob } from '../../protocol/crypto/aes-gcm.ts';
import { generateEcdhKeyPair } from '../../protocol/crypto/ecdh.ts';
import { signerOf, type Signer } from '../../protocol/crypto/ecdsa.ts';
import { openWithPrivateKey, sealToPublicKey } from '../../protocol/crypto/ecies.ts';
import { purposes } from '../../protocol/crypto/labels.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { decodeMessage } from '../../protocol/messages/decode.ts';
import { encodeMessage } from '../../protocol/messages/encode.ts';
import {
  CommandKind,
  ConnectReplySchema,
  ConnectRequestSchema,
  EndAccessReplySchema,
  EndAccessRequestSchema,
  RenewAccessRequestSchema,
  ResumeReplySchema,
  type CommandReply,
  type ConnectReply,
  type SignedCommand,
  type SuppliedCredentialSchema,
} from '../../protocol/messages/gen/command_pb.js';
import type { RecordContent } from '../../protocol/records/content.ts';
import { clientIdOf } from '../../protocol/secrets-manager/client-id.ts';
import { applicationRecordKeyOf, sealApplicationCopy } from '../../protocol/session/application-copy.ts';
import { encodeEnrolmentToken } from '../../protocol/session/enrolment-token.ts';
import { SessionKeys } from '../../protocol/session/session-keys.ts';
import { signResume, type NewResumeOrder } from '../../protocol/session/session-resume.ts';
import { commandUidOf, verifyReply } from '../../protocol/signed/command.ts';
import { newUid, uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import type { GatewayConfig } from '../../gateway/config.ts';
import { enrol } from '../../gateway/enrolment/enrol.ts';
import { startGateway, type RunningGateway } from '../../gateway/gateway.ts';
import { Logger } from '../../gateway/log/logger.ts';
import { SessionPolicyFile } from '../../gateway/oversight/session-policy-file.ts';
import { RisingState } from '../../gateway/rising-state.ts';
import { readSettings } from '../../gateway/settings.ts';
import { commandOf, newPerson, Organisation, type Person } from './organisation.ts';
import type { FakePage } from './page.ts';
import { FakeRouter, type TlsIdentity } from './router.ts';
import { hearSignals, type VaultSession } from './session-signals.ts';

export interface Target {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password?: string;
  readonly privateKey?: string;
  readonly hostKey?: string;
  readonly hostKeyPolicy?: 'ask' | 'trust-on-first-use';
  /** Members of the record's connection; `launchCredentialUid: ''` for none. */
  readonly connection?: Readonly<Record<string, unknown>>;
}

/** How a copy is made when not as the owner's vault makes it. */
export interface CopyMaking {
  readonly appKey?: Bytes;
  /** Whom it names as its owner. */
  readonly owner?: Person;
  /** Who signs it; its owner when it is not said. */
  readonly signer?: Signer;
  readonly keyVersion?: number;
}

/** An organisation with one gateway behind a {@link FakeRouter}, made and used as the vault would. */
export class Installation {
  readonly organisation = new Organisation();
  readonly person = newPerson(true);
  readonly gatewayUid = newUid();
  readonly configurationUid = newUid();
  readonly applicationUid = newUid();
  readonly machineUid = newUid();
  readonly credentialUid = newUid();
  /** Of a machine through which the other is reached, once it was put. */
  readonly jumpUid = newUid();
  readonly jumpCredentialUid = newUid();
  readonly appKey = randomBytes(32);
  readonly trafficSeed = randomBytes(32);
  readonly token = randomBytes(32);
  readonly logLines: string[] = [];
  readonly router: FakeRouter;
  readonly folder: string;
  config: GatewayConfig | null = null;
  gateway: RunningGateway | null = null;
  /** Of the records as the vault has them; each put is a change. */
  readonly revisions = new Map<Uid, number>();
  readonly #sessions = new Map<Uid, (sealed: Uint8Array) => void>();

  private constructor(router: FakeRouter, folder: string) {
    this.router = router;
    this.folder = folder;
  }

  static async make(target: Target, tls: TlsIdentity | null = null): Promise<Installation> {
    const folder = await mkdtemp(join(tmpdir(), 'sallyport-gateway-'));
    const made = new Installation(await FakeRouter.start(tls), folder);
    const { router, token } = made;
    router.client = {
      clientId: clientIdOf(token),
      encryptedAppKey: await sealBlob(await importAesKey(token), made.appKey, empty),
      publicKey: null,
    };
    router.roster = await made.organisation.roster(1n, [made.person]);
    router.onFrame = ({ body }) => {
      if (body.case === 'signal') made.#sessions.get(uidOf(body.value.sessionUid))?.(body.value.sealed);
    };
    await made.putConfiguration();
    await made.putMachine(target);
    return made;
  }

  get enrolmentToken(): string {
    const { token, gatewayUid, configurationUid } = this;
    const serverIdentity = this.router.identityHash;
    return encodeEnrolmentToken({ token: copy(token), gatewayUid, configurationUid, serverIdentity });
  }

  get configFile(): string {
    return join(this.folder, 'gateway.json');
  }

  /** Enrols the gateway as its command does. */
  async enrol(certificateAuthority: string | null = null): Promise<GatewayConfig> {
    this.config = await enrol({
      server: this.router.url,
      token: this.enrolmentToken,
      file: this.configFile,
      certificateAuthority,
      signal: AbortSignal.timeout(60_000),
    });
    return this.config;
  }

  /** Enrols when need be, starts the gateway, and waits until it is linked. */
  async start(
    environment: Record<string, string> = {},
    more: { readonly accessLeaseMs?: number } = {},
  ): Promise<RunningGateway> {
    const config = this.config ?? (await this.enrol());
    const settings = readSettings({ SALLYPORT_GATEWAY_BIND: '127.0.0.1', ...environment });
    const state = await RisingState.open(null, { roster: config.rosterVersion });
    const log = new Logger('debug', (line) => this.logLines.push(line));
    const policyFile = await SessionPolicyFile.open(join(this.folder, 'gateway.sessions.json'));
    this.gateway = startGateway({ config, state, policyFile, settings, log, ...more });
    await this.gateway.online;
    return this.gateway;
  }

  async stop(): Promise<void> {
    await this.gateway?.close();
    this.gateway = null;
    await this.router.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** The gateway's device key, as the vault pins it. */
  get deviceKey(): Bytes {
    if (this.config === null) throw new Error('not enrolled');
    return signerOf(this.config.privateKey).publicKey;
  }

  async putConfiguration(changes: Record<string, unknown> = {}, by: CopyMaking = {}): Promise<void> {
    const resources = {
      controllerUid: this.gatewayUid,
      applicationUid: this.applicationUid,
      organisationUid: this.organisation.uid,
      organisationKey: encodeBase64url(this.organisation.signer.publicKey),
      rosterVersion: 1,
      ...changes,
    };
    await this.putRecord(
      this.configurationUid,
      {
        type: 'pamNetworkConfiguration',
        title: 'Gateway',
        fields: [{ type: 'pamResources', value: [resources] }],
      },
      by,
    );
  }

  async putMachine(
    target: Target,
    changes: Record<string, unknown> = {},
    by: CopyMaking = {},
  ): Promise<void> {
    await this.#putMachineAs(this, target, changes, by);
  }

  /** The machine that the other names as its jump machine. */
  async putJump(target: Target, changes: Record<string, unknown> = {}, by: CopyMaking = {}): Promise<void> {
    const uids = { machineUid: this.jumpUid, credentialUid: this.jumpCredentialUid };
    await this.#putMachineAs(uids, target, changes, by);
  }

  async #putMachineAs(
    { machineUid, credentialUid }: Pick<Installation, 'machineUid' | 'credentialUid'>,
    target: Target,
    changes: Record<string, unknown>,
    by: CopyMaking,
  ): Promise<void> {
    const { host, port, username, password, privateKey, hostKey, hostKeyPolicy = 'ask' } = target;
    const connection = {
      protocol: 'ssh',
      launchCredentialUid: credentialUid,
      hostKeyPolicy,
      ...(hostKey !== undefined && { hostKey }),
      ...target.connection,
    };
    await this.putRecord(
      machineUid,
      {
        type: 'pamMachine',
        title: 'Machine',
        fields: [
          { type: 'pamHostname', value: [{ hostName: host, port: String(port) }] },
          {
            type: 'pamSettings',
            value: [{ configurationUid: this.configurationUid, connection, ...changes }],
          },
          { type: 'trafficEncryptionSeed', value: [encodeBase64(this.trafficSeed)] },
        ],
      },
      by,
    );
    await this.putRecord(credentialUid, {
      type: 'pamUser',
      title: 'User',
      fields: [
        { type: 'login', value: [username] },
        { type: 'password', value: password === undefined ? [] : [password] },
        { type: 'secret', label: 'privatePEMKey', value: privateKey === undefined ? [] : [privateKey] },
      ],
    });
  }

  /** Shares a record with the gateway's application, as the vault does. */
  async putRecord(recordUid: Uid, content: RecordContent, by: CopyMaking = {}): Promise<void> {
    const { applicationUid } = this;
    const { appKey = this.appKey, owner = this.person, signer = owner.signer, keyVersion = 1 } = by;
    const copyKey = applicationRecordKeyOf(randomBytes(32), applicationUid, recordUid);
    const revision = (this.revisions.get(recordUid) ?? 0) + 1;
    this.revisions.set(recordUid, revision);
    const binding = { recordUid, applicationUid, ownerUid: owner.accountUid, revision, keyVersion };
    const { wrappedKey, data } = await sealApplicationCopy(
      { applicationKey: appKey, copyKey },
      content,
      binding,
      signer,
    );
    this.router.records.set(recordUid, {
      ...{ recordUid, recordKey: wrappedKey, data, revision },
      ...{ isEditable: false, innerFolderUid: null, files: [], links: [] },
    });
  }

  /** A signed connect command with its offer sealed under the record's traffic key. */
  async prepare(
    page: FakePage,
    more: {
      offer?: string;
      person?: Person;
      acceptedHostKey?: string;
      pinnedHostKey?: string;
      jumpHostKey?: string;
      access?: MessageInitShape<typeof AccessProofSchema>;
      supplied?: MessageInitShape<typeof SuppliedCredentialSchema>;
      /** Whatever revision there is will do: what a liar states. */
      anyRevision?: boolean;
    } = {},
  ): Promise<VaultSession> {
    const { machineUid: recordUid, gatewayUid } = this;
    const sessionUid = newUid();
    const sessionNonce = randomBytes(16);
    const scope = { sessionUid, recordUid, gatewayUid };
    const keys = await SessionKeys.derive('vault', scope, copy(this.trafficSeed), sessionNonce);
    const resumeKey = signerOf(generateEcdhKeyPair().privateKey);
    const stated = (uid: Uid) => BigInt(more.anyRevision ? 0 : (this.revisions.get(uid) ?? 0));
    const request = encodeMessage(ConnectRequestSchema, {
      frames: framesVersion,
      offer: more.offer ?? (await page.offer()),
      peerUid: uidBytes(page.peerUid),
      display: { width: 1024, height: 768, dpi: 96, timezone: 'Europe/Berlin' },
      acceptedHostKey: more.acceptedHostKey ?? '',
      recordRevision: stated(recordUid),
      credentialRevision: stated(this.credentialUid),
      configurationRevision: stated(this.configurationUid),
      pinnedHostKey: more.pinnedHostKey ?? '',
      resumeKey: resumeKey.publicKey,
      jump: {
        recordRevision: stated(this.jumpUid),
        credentialRevision: stated(this.jumpCredentialUid),
        pinnedHostKey: more.jumpHostKey ?? '',
      },
      ...(more.access && { access: more.access }),
      ...(more.supplied && { supplied: more.supplied }),
    });
    const order = { kind: CommandKind.CONNECT, recordUid, sessionUid, sessionNonce };
    const payload = await keys.sealMessage(request);
    const command = await commandOf(more.person ?? this.person, gatewayUid, order, { payload });
    const { hear, ...heard } = hearSignals(keys);
    this.#sessions.set(sessionUid, hear);
    return { sessionUid, keys, command, resumeKey, ...heard };
  }

  /** A signed resume command, as the vault makes it unless told otherwise. */
  async prepareResume(
    session: Pick<VaultSession, 'sessionUid' | 'keys' | 'resumeKey'>,
    order: NewResumeOrder,
    by: { readonly person?: Person; readonly recordUid?: Uid } = {},
  ): Promise<SignedCommand> {
    const { sessionUid, keys, resumeKey } = session;
    const payload = await keys.sealMessage(await signResume(resumeKey, sessionUid, order));
    const { person = this.person, recordUid = this.machineUid } = by;
    const about = { kind: CommandKind.RESUME, recordUid, sessionUid };
    return await commandOf(person, this.gatewayUid, about, { payload });
  }

  /** Brings a page that lost its connection back, as the vault and the page do. */
  async resume(page: FakePage, session: VaultSession): Promise<void> {
    await page.reopen(async (offer, attempt) => {
      const command = await this.prepareResume(session, { peerUid: page.peerUid, offer, attempt });
      return await this.answerTo(session, command);
    });
  }

  /** The gateway's answer to a resume command. */
  async answerTo({ keys }: Pick<VaultSession, 'keys'>, command: SignedCommand): Promise<string> {
    const { outcome } = await this.router.relay(command);
    if (outcome.case !== 'sealed') throw new Error(`refused: ${outcome.value?.code}`);
    const signed = await keys.openMessage(outcome.value);
    return decodeMessage(ResumeReplySchema, verifyReply(this.deviceKey, command.command, signed)).answer;
  }

  /** Opens the gateway's reply as the vault does: sealed, and signed by the pinned device key for this command. */
  async openReply({ keys, command }: VaultSession, reply: CommandReply): Promise<ConnectReply> {
    if (reply.outcome.case !== 'sealed') throw new Error(`refused: ${reply.outcome.value?.code}`);
    const signed = await keys.openMessage(reply.outcome.value);
    return decodeMessage(ConnectReplySchema, verifyReply(this.deviceKey, command.command, signed));
  }

  /** The whole way: command, answer, channel. */
  async connect(
    page: FakePage,
    more: Omit<Parameters<Installation['prepare']>[1] & object, 'anyRevision'> = {},
  ) {
    const session = await this.prepare(page, more);
    const reply = await this.openReply(session, await this.router.relay(session.command));
    if (reply.answer !== '') page.accept(reply.answer);
    return { session, reply };
  }

  /** A command of that person about access, sealed to the gateway's device key. */
  async accessCommand(
    person: Person,
    ...[kind, payload]:
      | [CommandKind.END_ACCESS, MessageInitShape<typeof EndAccessRequestSchema>]
      | [CommandKind.RENEW_ACCESS, MessageInitShape<typeof RenewAccessRequestSchema>]
  ): Promise<SignedCommand> {
    const encoded =
      kind === CommandKind.END_ACCESS
        ? encodeMessage(EndAccessRequestSchema, payload)
        : encodeMessage(RenewAccessRequestSchema, payload);
    const objects = [this.gatewayUid, person.accountUid];
    const sealed = await sealToPublicKey(this.deviceKey, 'command-payload', objects, encoded);
    return await commandOf(person, this.gatewayUid, { kind }, { payload: sealed });
  }

  /** What the gateway answered to such a command: the sessions that ended, or the code of its refusal. */
  async tell(person: Person, command: SignedCommand): Promise<number | string> {
    const { outcome } = await this.router.relay(command);
    if (outcome.case !== 'sealed') return outcome.value?.code ?? '';
    const objects = [this.gatewayUid, commandUidOf(command.command)];
    const opened = await openWithPrivateKey(person.ecdh, purposes.commandReply, objects, outcome.value);
    const reply = verifyReply(this.deviceKey, command.command, opened);
    return decodeMessage(EndAccessReplySchema, reply).ended;
  }
}

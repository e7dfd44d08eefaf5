// Commands of a session's owner and of their guests, as their vaults make them.
import { framesVersion } from '../../protocol/channel/frame.ts';
import { copy, type Bytes } from '../../protocol/bytes.ts';
import { generateEcdhKeyPair } from '../../protocol/crypto/ecdh.ts';
import { signerOf } from '../../protocol/crypto/ecdsa.ts';
import { sealToPublicKey } from '../../protocol/crypto/ecies.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { encodeMessage } from '../../protocol/messages/encode.ts';
import {
  CommandKind,
  JoinRequestSchema,
  ShareSessionRequestSchema,
  UnshareSessionRequestSchema,
  type SignedCommand,
} from '../../protocol/messages/gen/command_pb.js';
import { SessionKeys } from '../../protocol/session/session-keys.ts';
import { signResume } from '../../protocol/session/session-resume.ts';
import { newUid, uidBytes, type Uid } from '../../protocol/uid.ts';
import type { GuacdPool } from '../../scripts/process/guacd-pool.ts';
import type { SshTarget } from '../fixtures/ssh-target.ts';
import { Installation } from './installation.ts';
import { commandOf, type Person } from './organisation.ts';
import type { FakePage } from './page.ts';
import { hearSignals, type VaultSession } from './session-signals.ts';
import { FakeTerminal } from './terminal.ts';

export interface MadeShare {
  readonly shareUid: Uid;
  readonly secret: Bytes;
}

export interface ShareTerms {
  readonly guest: Person;
  readonly typing?: boolean;
  readonly untilMs?: number;
  /** Who orders it; the session's owner unless told otherwise. */
  readonly by?: Person;
  readonly share?: MadeShare;
}

/** What the gateway said to it: `sealed`, or the code of its refusal. */
export async function outcomeOf(made: Installation, command: SignedCommand): Promise<string> {
  const { outcome } = await made.router.relay(command);
  return outcome.case === 'refused' ? outcome.value.code : String(outcome.case);
}

/** Everybody in it from now on; the installation's own person stays its administrator. */
export async function putRoster(
  made: Installation,
  version: bigint,
  people: readonly Person[],
): Promise<void> {
  made.router.roster = await made.organisation.roster(version, people);
  made.router.send({ case: 'roster', value: made.router.roster });
}

/** Whose machine is that one. */
export function installationAt(
  sshd: SshTarget,
  connection: Record<string, unknown> = {},
): Promise<Installation> {
  const { host, port, username, password, hostKeys } = sshd;
  return Installation.make({ host, port, username, password, hostKey: hostKeys[0] ?? '', connection });
}

/** Starts it with these others in the organisation, and a session of its own person, up to the first picture. */
export async function beginSession(
  made: Installation,
  {
    guacd,
    page,
    others,
    environment = {},
  }: {
    readonly guacd: GuacdPool;
    readonly page: FakePage;
    readonly others: readonly Person[];
    /** Of the gateway. */
    readonly environment?: Record<string, string>;
  },
) {
  await made.start({ GUACD_POOL: guacd.path, ...environment });
  await putRoster(made, 2n, [made.person, ...others]);
  const { session, reply } = await made.connect(page);
  await page.opened;
  const terminal = new FakeTerminal(page.openStream(reply.streamToken));
  await terminal.until(() => terminal.count('sync') > 0 && terminal.pictures > 0);
  return { page, session, reply, terminal };
}

export async function shareCommand(
  made: Installation,
  sessionUid: Uid,
  { guest, typing = false, untilMs = Date.now() + 60_000, by = made.person, share }: ShareTerms,
): Promise<MadeShare & { readonly command: SignedCommand }> {
  const { shareUid, secret } = share ?? { shareUid: newUid(), secret: randomBytes(32) };
  const request = encodeMessage(ShareSessionRequestSchema, {
    ...{ sessionUid: uidBytes(sessionUid), shareUid: uidBytes(shareUid), secret, typing },
    ...{ guestUid: uidBytes(guest.accountUid), untilMs: BigInt(untilMs) },
  });
  const command = await sealedCommand(made, by, CommandKind.SHARE_SESSION, request);
  return { shareUid, secret, command };
}

/** Shares a session, as the gateway takes it. */
export async function shared(made: Installation, sessionUid: Uid, terms: ShareTerms): Promise<MadeShare> {
  const { command, ...share } = await shareCommand(made, sessionUid, terms);
  const said = await outcomeOf(made, command);
  if (said !== 'sealed') throw new Error(`refused: ${said}`);
  return share;
}

/** Takes one share back, or all. */
export async function unshared(
  made: Installation,
  sessionUid: Uid,
  shareUid: Uid | null = null,
  by: Person = made.person,
): Promise<string> {
  return await outcomeOf(made, await unshareCommand(made, sessionUid, shareUid, by));
}

export async function unshareCommand(
  made: Installation,
  sessionUid: Uid,
  shareUid: Uid | null,
  by: Person = made.person,
): Promise<SignedCommand> {
  const request = encodeMessage(UnshareSessionRequestSchema, {
    sessionUid: uidBytes(sessionUid),
    ...(shareUid !== null && { shareUid: uidBytes(shareUid) }),
  });
  return await sealedCommand(made, by, CommandKind.UNSHARE_SESSION, request);
}

/** A guest's join, sealed under the share's secret. */
export async function prepareJoin(
  made: Installation,
  { shareUid, secret }: MadeShare,
  { guest, page, offer }: { readonly guest: Person; readonly page: FakePage; readonly offer?: string },
): Promise<VaultSession & { readonly shareUid: Uid; hear(sealed: Uint8Array): void }> {
  const sessionUid = newUid();
  const sessionNonce = randomBytes(16);
  const scope = { sessionUid, recordUid: shareUid, gatewayUid: made.gatewayUid };
  const keys = await SessionKeys.derive('vault', scope, copy(secret), sessionNonce);
  const resumeKey = signerOf(generateEcdhKeyPair().privateKey);
  const request = encodeMessage(JoinRequestSchema, {
    frames: framesVersion,
    offer: offer ?? (await page.offer()),
    peerUid: uidBytes(page.peerUid),
    imageTypes: ['image/webp', 'image/png'],
    resumeKey: resumeKey.publicKey,
  });
  const payload = await keys.sealMessage(request);
  const order = { kind: CommandKind.JOIN_SESSION, sessionUid, sessionNonce, shareUid };
  const command = await commandOf(guest, made.gatewayUid, order, { payload });
  return { shareUid, sessionUid, keys, command, resumeKey, ...hearSignals(keys) };
}

/** The whole way of a guest: command, answer, channel. */
export async function joined(
  made: Installation,
  share: MadeShare,
  by: { readonly guest: Person; readonly page: FakePage },
) {
  const session = await prepareJoin(made, share, by);
  const reply = await made.openReply(session, await made.router.relay(session.command));
  if (reply.answer !== '') by.page.accept(reply.answer);
  await by.page.opened;
  return { session, reply };
}

/** Brings a guest's page that lost its connection back. */
export async function resumedGuest(
  made: Installation,
  { sessionUid, keys, resumeKey, shareUid }: VaultSession & { readonly shareUid: Uid },
  { guest, page }: { readonly guest: Person; readonly page: FakePage },
): Promise<void> {
  await page.reopen(async (offer, attempt) => {
    const order = { peerUid: page.peerUid, offer, attempt };
    const payload = await keys.sealMessage(await signResume(resumeKey, sessionUid, order));
    const about = { kind: CommandKind.RESUME, sessionUid, shareUid };
    const command = await commandOf(guest, made.gatewayUid, about, { payload });
    return await made.answerTo({ keys }, command);
  });
}

async function sealedCommand(
  made: Installation,
  by: Person,
  kind: CommandKind,
  request: Bytes,
): Promise<SignedCommand> {
  const objects = [made.gatewayUid, by.accountUid];
  const payload = await sealToPublicKey(made.deviceKey, 'command-payload', objects, request);
  return await commandOf(by, made.gatewayUid, { kind }, { payload });
}

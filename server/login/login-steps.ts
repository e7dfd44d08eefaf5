// What a login still lacks after its first factor, and what it gives when it lacks nothing. protocol.md §8.
import type { MessageInitShape } from '@bufbuild/protobuf';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import type { FinishLoginResponseSchema } from '../../protocol/messages/gen/account_pb.js';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import type { Call } from '../api/call.ts';
import { networkOf } from '../api/network.ts';
import { createSession } from '../api/sessions.ts';
import {
  addDeviceRequest,
  readDecision,
  requestLifetimeMs,
  takeDeviceRequest,
} from '../devices/device-requests.ts';
import { findDevice, putDevice, requireNotRevoked, setTrust } from '../devices/devices.ts';
import { News } from '../devices/news.ts';
import type { Logger } from '../log/logger.ts';
import type { Head } from '../router/head/head.ts';
import type { Database, Tx } from '../store/database.ts';
import { holdFactor, readBundles } from './accounts.ts';
import type { NewDevice } from './bundle.ts';
import type { KnownFactor } from './opaque.ts';
import { holdPasskey } from './passkeys.ts';
import { PendingTable } from './pending-table.ts';
import type { SecondFactorAnswer, SecondFactorQuestion, SecondFactors } from './second-factors.ts';
import type { LoginThrottle } from './throttle.ts';
import type { RelyingParty } from './webauthn.ts';

export interface LoginParts {
  readonly db: Database;
  readonly head: Head;
  readonly log: Logger;
  readonly factors: SecondFactors;
  readonly codeThrottle: LoginThrottle;
  /** Aborted when the server is about to end. */
  readonly stopped: AbortSignal;
}

export type LoginAnswer = MessageInitShape<typeof FinishLoginResponseSchema>;

/** What the first factor has shown. */
export type Proof =
  | {
      readonly kind: 'opaque';
      readonly accountUid: Uid;
      readonly factor: KnownFactor;
      readonly record: string;
    }
  | { readonly kind: 'passkey'; readonly accountUid: Uid; readonly passkeyUid: Uid };

/** A login whose device has shown that it has its key. */
export interface Halfway {
  readonly proof: Proof;
  readonly device: NewDevice;
  /** Do not ask this device for the second factor for a while. */
  readonly trust: boolean;
}

interface Asked extends Halfway {
  readonly challenge: Uint8Array;
  readonly party: RelyingParty | null;
  attemptsLeft: number;
}

interface Waiting extends Halfway {
  readonly requestUid: Uid;
  readonly expiresAt: number;
}

/** Time to find the phone. */
const askedLifetimeMs = 5 * 60_000;
/** Over this, the password is asked for again. */
const attemptsPerLogin = 5;
const trustMs = 30 * 24 * 60 * 60_000;
/** Under the time after which a client gives up a call. */
const approvalWaitMs = 20_000;

export class LoginSteps {
  readonly #parts: LoginParts;
  readonly #asked = new PendingTable<Asked>({ lifetimeMs: askedLifetimeMs, most: 10_000, mostOfCaller: 200 });
  readonly #waiting = new PendingTable<Waiting>({
    lifetimeMs: requestLifetimeMs,
    most: 10_000,
    mostOfCaller: 50,
  });

  constructor(parts: LoginParts) {
    this.#parts = parts;
  }

  /** After a password or a recovery phrase: asks for the second factor unless there is none, or the device is trusted. */
  async afterFirstFactor(halfway: Halfway, party: RelyingParty | null, call: Call): Promise<LoginAnswer> {
    const { db, factors } = this.#parts;
    const { accountUid } = halfway.proof;
    await requireNotRevoked(db, accountUid, halfway.device);
    const question = await factors.questionOf(db, accountUid, party);
    if (question === null) return await this.afterEveryFactor(halfway, call);
    const known = await findDevice(db, accountUid, halfway.device);
    if (known && known.trustedUntil > call.now) return await this.afterEveryFactor(halfway, call);
    return { secondFactor: this.#ask({ ...halfway, party }, question, call) };
  }

  /** A login that was asked for its second factor. Throws `expired`. */
  findAsked(loginUid: Uint8Array, now: number): Asked {
    return required(this.#asked.find(loginUid, now));
  }

  findWaiting(loginUid: Uint8Array, now: number): Waiting {
    return required(this.#waiting.find(loginUid, now));
  }

  /** Throws `login-refused` for a wrong answer, of which a login may have a few; `expired` after those. */
  async complete(
    loginUid: Uint8Array,
    asked: Asked,
    { answer, trust }: { answer: SecondFactorAnswer; trust: boolean },
    call: Call,
  ): Promise<LoginAnswer> {
    const { db, factors, codeThrottle } = this.#parts;
    const { accountUid } = asked.proof;
    codeThrottle.attempt(accountUid, call.address, call.now);
    if (asked.attemptsLeft <= 0) required(null);
    if (--asked.attemptsLeft === 0) this.#asked.take(loginUid, call.now);
    await db
      .transaction()
      .execute((tx) => factors.check(tx, accountUid, answer, { ...asked, now: call.now }));
    codeThrottle.succeeded(accountUid, call.address);
    if (asked.attemptsLeft > 0) required(this.#asked.take(loginUid, call.now));
    return await this.afterEveryFactor({ ...asked, trust }, call);
  }

  /** The account, or the wait for a signed-in device when the account wants to be asked about new ones. */
  async afterEveryFactor(halfway: Halfway, call: Call): Promise<LoginAnswer> {
    const { db } = this.#parts;
    const { accountUid } = halfway.proof;
    await requireNotRevoked(db, accountUid, halfway.device);
    const approves = await asksForApproval(db, accountUid);
    if (!approves || (await findDevice(db, accountUid, halfway.device)))
      return await this.#enter(halfway, call, async () => undefined);
    return await this.#askForApproval(halfway, call);
  }

  /** Answers once a device has decided, or after a while. Throws `not-allowed` when it said no. */
  async awaitApproval(loginUid: Uint8Array, waiting: Waiting, call: Call): Promise<LoginAnswer> {
    const decision = await this.#decisionOf(waiting);
    if (decision === 'open') return { devicePending: pendingMessage(loginUid, waiting) };
    required(this.#waiting.take(loginUid, call.now));
    if (decision === 'gone') required(null);
    const now = Date.now();
    if (decision === 'denied') {
      await takeDeviceRequest(this.#parts.db, waiting.requestUid, now);
      throw new ProtocolError('not-allowed', 'a signed-in device refused this one');
    }
    return await this.#enter(waiting, { ...call, now }, async (tx) => {
      if (!(await takeDeviceRequest(tx, waiting.requestUid, now))) required(null);
    });
  }

  /** Forgets a login that the person gave up. */
  async cancel(loginUid: Uint8Array, now: number): Promise<void> {
    const { db, head } = this.#parts;
    this.#asked.take(loginUid, now);
    const waiting = this.#waiting.take(loginUid, now);
    if (!waiting) return;
    await takeDeviceRequest(db, waiting.requestUid, now);
    head.publish(`acct.${waiting.proof.accountUid}`, { kind: 'account-news' });
  }

  #ask(
    halfway: Halfway & { party: RelyingParty | null },
    { methods, credentialIds }: SecondFactorQuestion,
    { address, now }: Call,
  ) {
    const challenge = randomBytes(32);
    const asked = { ...halfway, challenge, attemptsLeft: attemptsPerLogin };
    const loginUid = this.#asked.add(asked, networkOf(address), now);
    const expiresAtMs = BigInt(now + askedLifetimeMs);
    return { loginUid, methods: [...methods], challenge, credentialIds: [...credentialIds], expiresAtMs };
  }

  async #askForApproval(halfway: Halfway, { address, now }: Call): Promise<LoginAnswer> {
    const { db, head, log } = this.#parts;
    const { proof, device } = halfway;
    const network = networkOf(address);
    const requestUid = await db
      .transaction()
      .execute((tx) => addDeviceRequest(tx, proof.accountUid, device, { now, network }));
    const waiting = { ...halfway, requestUid, expiresAt: now + requestLifetimeMs };
    const loginUid = this.#waiting.add(waiting, network, now);
    head.publish(`acct.${proof.accountUid}`, { kind: 'account-news' });
    log.info({ event: 'device-pending', account: proof.accountUid });
    return { devicePending: pendingMessage(loginUid, waiting) };
  }

  async #decisionOf({ requestUid, proof }: Waiting) {
    const { db, head, stopped } = this.#parts;
    const news = new News(head, proof.accountUid, stopped);
    const until = Date.now() + approvalWaitMs;
    try {
      for (;;) {
        const decision = await readDecision(db, requestUid, Date.now());
        if (decision !== 'open') return decision;
        if (!(await news.next(until - Date.now()))) return decision;
      }
    } finally {
      news.close();
    }
  }

  /** Nothing of the vault leaves before this point (attack class 18). */
  async #enter(halfway: Halfway, call: Call, also: (tx: Tx) => Promise<void>): Promise<LoginAnswer> {
    const { db, log } = this.#parts;
    const { proof, device, trust } = halfway;
    const { accountUid } = proof;
    const entered = await db.transaction().execute(async (tx) => {
      await also(tx);
      const sealedDataKey = await hold(tx, proof);
      // The password may have been changed, or the passkey removed, since this login began.
      if (sealedDataKey === null) throw new ProtocolError('login-refused', 'email or password is wrong');
      await requireNotRevoked(tx, accountUid, device);
      await putDevice(tx, accountUid, device, { now: call.now, network: networkOf(call.address) });
      if (trust) await setTrust(tx, accountUid, device.deviceUid, call.now + trustMs);
      return { sealedDataKey, session: await createSession(tx, accountUid, device.deviceUid, call.now) };
    });
    this.#parts.head.publish(`acct.${accountUid}`, { kind: 'account-news' });
    log.info({ event: 'login', account: accountUid, kind: proof.kind });
    return { ...entered, ...(await readBundles(db, accountUid)) };
  }
}

async function hold(tx: Tx, proof: Proof): Promise<Uint8Array | null> {
  if (proof.kind === 'passkey') return await holdPasskey(tx, proof);
  return await holdFactor(tx, proof.accountUid, proof.factor, proof.record);
}

async function asksForApproval(db: Database, accountUid: Uid): Promise<boolean> {
  const row = await db
    .selectFrom('account')
    .select('approve_devices')
    .where('account_uid', '=', uidBytes(accountUid))
    .executeTakeFirst();
  return row?.approve_devices ?? false;
}

function pendingMessage(loginUid: Uint8Array, { expiresAt }: Waiting) {
  return { loginUid, expiresAtMs: BigInt(expiresAt) };
}

function required<T>(value: T | null): T {
  if (value === null) throw new ProtocolError('expired', 'the login took too long');
  return value;
}

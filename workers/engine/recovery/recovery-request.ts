import { create } from '@bufbuild/protobuf';
import { copy, wipe, type Bytes } from '../../../protocol/bytes.ts';
import { generateEcdhKeyPair } from '../../../protocol/crypto/ecdh.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { encodeMessage } from '../../../protocol/messages/encode.ts';
import {
  RecoveryService,
  RenewedFactorsSchema,
  type AwaitReleaseResponse,
} from '../../../protocol/messages/gen/recovery_pb.js';
import {
  openRelease,
  recoveryKeyWords,
  recoveryRequestWords,
  requireRelease,
} from '../../../protocol/organisation/recovery.ts';
import { signDeviceProof } from '../../../protocol/signed/device-proof.ts';
import { signRenewal } from '../../../protocol/signed/recovery.ts';
import { newUid, uidBytes, uidOf } from '../../../protocol/uid.ts';
import type { WordGaps } from '../../api/recovery.ts';
import type { ApiClient } from '../connection/api-client.ts';
import type { Environment } from '../environment.ts';
import { openAccount, type OpenedAccount } from '../account/opened-account.ts';
import { startRegistration } from '../sign-in/opaque.ts';
import { wrapDataKey } from '../account/registration.ts';
import { deviceMessage } from '../account/signed-in.ts';
import { WordCheck } from './word-check.ts';

const { method } = RecoveryService;

interface Opened {
  readonly account: OpenedAccount;
  /** Raw. */
  readonly dataKey: Bytes;
  readonly check: WordCheck;
}

/** A person without a password, who waits for an administrator. Its key pair is this device's alone, and goes with it. */
export class RecoveryRequest {
  readonly email: string;
  readonly #api: ApiClient;
  readonly #environment: Environment;
  readonly #uid = newUid();
  readonly #temporary = generateEcdhKeyPair();
  #opened: Opened | null = null;
  #ended = false;

  constructor(api: ApiClient, environment: Environment, email: string) {
    this.#api = api;
    this.#environment = environment;
    this.email = email;
  }

  /** Of this request's key: the person reads them to the administrator. */
  get words(): readonly string[] {
    const { publicKey: temporaryKey } = this.#temporary;
    return recoveryRequestWords({ requestUid: this.#uid, email: this.email, temporaryKey });
  }

  /** Returns when it ends. A device that the account revoked asks as a new one: its former key could never finish. */
  async send(): Promise<number> {
    try {
      return await this.#send();
    } catch (error) {
      if (!isRevoked(error)) throw error;
      await this.#environment.storage.renewDevice();
      return await this.#send();
    }
  }

  async #send(): Promise<number> {
    const { expiresAtMs } = await this.#api.call(method.requestRecovery, {
      ...(await this.#prove('RequestRecovery')),
      email: this.email,
      temporaryKey: this.#temporary.publicKey,
      device: await deviceMessage(this.#environment),
    });
    return Number(expiresAtMs);
  }

  /** Throws `expired`, `untrusted` when what was released does not hold together, `cancelled`. */
  async untilReleased(): Promise<WordGaps> {
    while (this.#opened === null) {
      this.#requireGoing();
      const answer = await this.#api.call(method.awaitRelease, await this.#prove('AwaitRelease'));
      this.#requireGoing();
      if (answer.release) this.#opened = await this.#open(answer);
    }
    return this.#opened.check.gaps;
  }

  /** New factors for the opened account. Throws `untrusted` for other words than the organisation's. */
  async renew(words: readonly string[], password: string, phrase: string): Promise<void> {
    this.#requireGoing();
    const opened = this.#opened;
    if (!opened) throw new ProtocolError('not-allowed', 'nobody has approved the request');
    opened.check.require(words);
    const byPassword = await startRegistration(password);
    const byPhrase = await startRegistration(phrase);
    const started = await this.#api.call(method.startRenewal, {
      ...(await this.#prove('StartRenewal')),
      passwordRequest: byPassword.request,
      recoveryRequest: byPhrase.request,
    });
    const [forPassword, forPhrase] = [
      byPassword.finish(started.passwordResponse),
      byPhrase.finish(started.recoveryResponse),
    ];
    const { accountUid, signer } = opened.account.keys;
    const factors = create(RenewedFactorsSchema, {
      passwordRecord: forPassword.record,
      passwordSealedDataKey: await wrapDataKey(forPassword.exportKey, 'password', accountUid, opened.dataKey),
      recoveryRecord: forPhrase.record,
      recoverySealedDataKey: await wrapDataKey(forPhrase.exportKey, 'recovery', accountUid, opened.dataKey),
    });
    const signed = {
      accountUid,
      requestUid: this.#uid,
      factors: encodeMessage(RenewedFactorsSchema, factors),
    };
    const finish = {
      ...(await this.#prove('FinishRenewal')),
      factors,
      signature: await signRenewal(signer, signed),
    };
    await this.#api.call(method.finishRenewal, finish).catch(async (error: unknown) => {
      // Revoked while it waited: another request is the only way, and that one comes as a new device.
      if (isRevoked(error)) await this.#endAsRevoked();
      throw error;
    });
    this.forget();
  }

  /** The server forgets it too, if it can be reached. Never throws. */
  async cancel(): Promise<void> {
    if (this.#ended) return;
    this.forget();
    try {
      await this.#api.call(method.cancelRequest, await this.#prove('CancelRequest'));
    } catch (error) {
      this.#environment.warn(`the server was not told of the cancelled request: ${String(error)}`);
    }
  }

  /** Wipes every key. */
  forget(): void {
    this.#ended = true;
    wipe(this.#temporary.privateKey);
    if (this.#opened) {
      const { dataKey, account } = this.#opened;
      wipe(dataKey, account.keys.ecdh.privateKey, account.keys.signingKey);
    }
    this.#opened = null;
  }

  /** As at a login, and that an administrator of the account's own organisation released it to this very request. */
  async #open({ release, account: bundle, organisation: stated }: AwaitReleaseResponse): Promise<Opened> {
    if (!release || !bundle || !stated) throw new ProtocolError('malformed', 'not a release');
    const to = {
      organisationUid: uidOf(stated.organisationUid),
      accountUid: uidOf(bundle.accountUid),
      ...{ requestUid: this.#uid, temporaryKey: this.#temporary.publicKey },
    };
    const dataKey = await openRelease(to, this.#temporary, release);
    try {
      const account = await openAccount(this.email, dataKey, bundle, stated);
      const { organisation } = account;
      const { roster, membership, publicKey: organisationKey } = organisation;
      if (membership !== 'member' && membership !== 'administrator')
        throw new ProtocolError('untrusted', 'the organisation does not have this account');
      requireRelease(roster, to, release);
      const recoveryKey = copy(roster.recoveryPublicKey);
      if (recoveryKey.length === 0) throw new ProtocolError('untrusted', 'the organisation has no recovery');
      const identity = { organisationUid: organisation.uid, organisationKey, recoveryKey };
      return { account, dataKey, check: new WordCheck(recoveryKeyWords(identity)) };
    } catch (error) {
      wipe(dataKey);
      throw error;
    }
  }

  async #prove(name: string): Promise<{ requestUid: Bytes; deviceProof: Bytes }> {
    const { uid, signer } = await this.#environment.storage.device();
    const requestUid = uidBytes(this.#uid);
    const proof = { method: `RecoveryService/${name}`, loginUid: requestUid, deviceUid: uidBytes(uid) };
    return { requestUid, deviceProof: await signDeviceProof(signer, proof) };
  }

  async #endAsRevoked(): Promise<void> {
    await this.cancel();
    await this.#environment.storage.renewDevice();
  }

  #requireGoing(): void {
    if (this.#ended) throw new ProtocolError('cancelled', 'the request was cancelled');
  }
}

function isRevoked(error: unknown): boolean {
  return error instanceof ProtocolError && error.code === 'device-revoked';
}

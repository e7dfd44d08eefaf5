import type { MessageInitShape } from '@bufbuild/protobuf';
import { copy, wipe, type Bytes } from '../../../protocol/bytes.ts';
import { ProtocolError, toProtocolError, type ErrorCode } from '../../../protocol/errors.ts';
import { encodeMessage } from '../../../protocol/messages/encode.ts';
import { AccountService } from '../../../protocol/messages/gen/account_pb.js';
import { KeyRotationService } from '../../../protocol/messages/gen/key-rotation_pb.js';
import { SealedManifestSchema } from '../../../protocol/messages/gen/manifest_pb.js';
import { sealEnrolment } from '../../../protocol/organisation/recovery.ts';
import { findMember } from '../../../protocol/signed/roster.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { KeyRotationPreview, KeyRotationProgress } from '../../api/key-rotation.ts';
import { readSession } from '../connection/device-session.ts';
import { openAccount } from '../account/opened-account.ts';
import { startRegistration, type StartedRegistration } from '../sign-in/opaque.ts';
import { wrapDataKey } from '../account/registration.ts';
import type { SignedIn } from '../account/signed-in.ts';
import type { StoredManifest } from '../storage.ts';
import type { UnlockedVault } from '../unlocked-vault.ts';
import { discardNewKeys, makeNewKeys, type NewKeys } from './new-keys.ts';
import { RotatedItems } from './rotated-items.ts';
import { planAsItIs, planRotation, type RotationPlan } from './rotation-plan.ts';

const { method } = KeyRotationService;
/** The request may have been carried out nevertheless. */
const lostAnswer: ReadonlySet<ErrorCode> = new Set([
  'offline',
  'unavailable',
  'timed-out',
  'internal',
  'open-failed',
]);

/** How often it is tried against other devices, and work of this vault's own that was on its way. */
const mostAttempts = 4;

export interface RotationInput {
  readonly previewUid: Uid;
  /** Normalised. */
  readonly password: string;
  /** Normalised: the new one. */
  readonly phrase: string;
  readonly onProgress: (progress: KeyRotationProgress) => void;
}

/** An account under its new keys, and the manifest that the server has to show of it. */
export interface Rotated {
  readonly signedIn: SignedIn;
  readonly manifest: StoredManifest;
}

interface Registrations {
  readonly password: StartedRegistration;
  readonly phrase: StartedRegistration;
}

/** New keys for an open account. What is sealed to whom is what the preview showed, or nothing is. protocol.md §23. */
export class KeyRotation {
  readonly #vault: UnlockedVault;
  #previewed: RotationPlan | null = null;
  #running: AbortController | null = null;

  constructor(vault: UnlockedVault) {
    this.#vault = vault;
  }

  /** Throws `untrusted` while the vault is incomplete, `not-allowed` for who is in no roster. */
  async preview(): Promise<KeyRotationPreview> {
    this.#previewed = await planRotation(this.#vault);
    return this.#previewed.preview;
  }

  /** Does nothing once the end has begun. */
  cancel(): void {
    this.#running?.abort();
  }

  /** Throws `conflict` when anything that was shown is another one, `untrusted`, `cancelled`. Nothing was changed then. */
  async run(input: RotationInput): Promise<Rotated> {
    if (this.#running) throw new ProtocolError('conflict', 'the keys are being rotated already');
    const running = new AbortController();
    this.#running = running;
    const stop = AbortSignal.any([running.signal, this.#vault.signal]);
    const { confirmedMachines } = this.#vault;
    try {
      await this.#prepare(input);
      return await this.#attempt(input, running, stop);
    } catch (error) {
      if (!this.#vault.closed) await confirmedMachines.forget().catch(() => undefined); // of no meaning without new keys
      throw error;
    } finally {
      this.#running = null;
      this.#previewed = null;
    }
  }

  /**
   * The vault goes on with its own work meanwhile: it takes over what others wrote and replaces keys. None of that comes in
   * between, and what was on its way is waited for; who is given what must be what was shown, whenever it begins.
   */
  async #attempt(input: RotationInput, running: AbortController, stop: AbortSignal): Promise<Rotated> {
    const { data, sharing } = this.#vault;
    for (let attempt = 1; ; attempt++) {
      try {
        return await sharing.office.alone(() => data.writes.alone(() => this.#run(input, stop)));
      } catch (error) {
        if (toProtocolError(error)?.code !== 'conflict' || attempt === mostAttempts || stop.aborted)
          throw error;
      }
      this.#running = running;
      await data.sync.run();
      await data.settle();
    }
  }

  /** What has to be written under the former keys. */
  async #prepare({ previewUid, onProgress }: RotationInput): Promise<void> {
    onProgress({ step: 'checking', done: 0, of: 1 });
    const shown = this.#previewed;
    if (shown?.preview.previewUid !== previewUid)
      throw new ProtocolError('conflict', 'look at who everything is sealed to first');
    if (shown.preview.blocked)
      throw new ProtocolError('untrusted', 'the keys of somebody changed: compare their fingerprint first');
    await this.#pinNew(shown);
    await this.#vault.confirmedMachines.remember();
  }

  async #pinNew({ preview }: RotationPlan): Promise<void> {
    const { pins, rosters } = this.#vault.sharing.office.parts;
    const members = preview.recipients
      .filter((one) => one.kind === 'person' && one.keys === 'new')
      .map((one) => ('uid' in one ? findMember(rosters.roster, one.uid) : null));
    await pins.require(members.filter((member) => member !== null));
  }

  async #run(input: RotationInput, stop: AbortSignal): Promise<Rotated> {
    const shown = this.#previewed;
    const plan = await planAsItIs(this.#vault);
    if (shown === null || plan.binding !== shown.binding)
      throw new ProtocolError('conflict', 'who has what was changed since it was shown: look again');
    const { account, organisation, session } = this.#vault;
    const next = await makeNewKeys(account, organisation.book.keys, session.deviceNow());
    let rotationUid: Bytes | null = null;
    try {
      const registrations = {
        password: await startRegistration(input.password),
        phrase: await startRegistration(input.phrase),
      };
      const started = await session.call(method.startKeyRotation, {
        ...(next.account.certificate && { certificate: next.account.certificate }),
        passwordRequest: registrations.password.request,
        recoveryRequest: registrations.phrase.request,
      });
      rotationUid = copy(started.rotationUid);
      const items = new RotatedItems(this.#vault, plan, next.keys, started.taken);
      await this.#stage(rotationUid, items, input, stop);
      return await this.#finish({ rotationUid, started, registrations, plan, next, items }, input);
    } catch (error) {
      discardNewKeys(next);
      if (rotationUid !== null) await this.#forget(rotationUid);
      throw error;
    }
  }

  async #stage(
    rotationUid: Bytes,
    items: RotatedItems,
    { onProgress }: RotationInput,
    stop: AbortSignal,
  ): Promise<void> {
    const of = items.count;
    let done = 0;
    for await (const { page, things } of items.pages()) {
      if (stop.aborted) throw new ProtocolError('cancelled', 'the keys are as they were');
      await this.#vault.session.call(method.stageKeyRotation, { rotationUid, ...page });
      done += things;
      onProgress({ step: 'sealing', done: Math.min(done, of), of });
    }
    if (stop.aborted) throw new ProtocolError('cancelled', 'the keys are as they were');
  }

  async #finish(
    { rotationUid, started, registrations, plan, next, items }: Staged,
    { onProgress }: RotationInput,
  ): Promise<Rotated> {
    onProgress({ step: 'finishing', done: 0, of: 1 });
    this.#running = null; // from here on there is no way back
    const { account, data } = this.#vault;
    const { accountUid } = account.keys;
    const byPassword = registrations.password.finish(started.passwordResponse);
    const byPhrase = registrations.phrase.finish(started.recoveryResponse);
    const sealedDataKey = await wrapDataKey(byPassword.exportKey, 'password', accountUid, next.dataKey);
    const manifest = await data.manifestUnder(next.keys, items.elements());
    const opened = await openAccount(account.email, next.dataKey, next.account, next.organisation);
    opened.organisation.continueFrom(account.organisation);
    const { recovery } = plan;
    const answer = await this.#send({
      ...{ rotationUid, account: next.account, succession: next.succession, manifest },
      sealedOrganisationSigningKey: next.organisation.sealedSigningKey,
      sealedOrganisationDataKey: next.organisation.sealedDataKey,
      sealedOrganisationRecoveryKey: next.organisation.sealedRecoveryKey,
      ...{ passwordRecord: byPassword.record, passwordSealedDataKey: sealedDataKey },
      recoveryRecord: byPhrase.record,
      recoverySealedDataKey: await wrapDataKey(byPhrase.exportKey, 'recovery', accountUid, next.dataKey),
      ...(recovery && { enrolment: await sealEnrolment(recovery, next.keys, next.dataKey) }),
    });
    wipe(next.keys.ecdh.privateKey, next.keys.signingKey); // the opened account has its own
    const bytes = copy(encodeMessage(SealedManifestSchema, manifest));
    return {
      signedIn: {
        account: opened,
        dataKey: next.dataKey,
        session: readSession(answer.session),
        sealedDataKey,
      },
      manifest: { version: manifest.version, bytes },
    };
  }

  /** It ends the session of this vault, too. Without an answer, whether it went through shows by that. */
  async #send(request: MessageInitShape<typeof method.finishKeyRotation.input>) {
    const { session } = this.#vault;
    session.expectEnd(true);
    try {
      return await session.call(method.finishKeyRotation, request);
    } catch (error) {
      session.expectEnd(false);
      if (lostAnswer.has(toProtocolError(error)?.code ?? 'internal'))
        await session.call(AccountService.method.renewSession, {});
      throw error;
    }
  }

  /** The server forgets it by itself after a while. */
  async #forget(rotationUid: Bytes): Promise<void> {
    try {
      await this.#vault.session.call(method.cancelKeyRotation, { rotationUid });
    } catch (error) {
      const code = toProtocolError(error)?.code;
      if (code === undefined) throw error;
    }
  }
}

interface Staged {
  readonly rotationUid: Bytes;
  readonly started: { readonly passwordResponse: string; readonly recoveryResponse: string };
  readonly registrations: Registrations;
  readonly plan: RotationPlan;
  readonly next: NewKeys;
  readonly items: RotatedItems;
}

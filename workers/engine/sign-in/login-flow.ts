import type { SignInAnswer, SignInStep } from '../../api/sign-in.ts';
import { copy } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { SecondFactorMethod } from '../../../protocol/messages/gen/account_pb.js';
import type { Environment } from '../environment.ts';
import { deviceWords } from '../devices/device-words.ts';
import type { Login, SecondFactorAnswer, SecondFactorQuestion } from './login.ts';
import type { SignedIn } from '../account/signed-in.ts';

/** What a login is for, once every factor has passed. */
export type Finish = (signedIn: SignedIn) => Promise<void>;

interface Pending {
  readonly login: Login;
  readonly finish: Finish;
  cancelTimer(): void;
}

/** A login that has more than one step waits here for the person. There is one at most: a new one replaces it. */
export class LoginFlow {
  readonly #environment: Environment;
  /** Told of every step of the login that waits, and null when there is none any more. */
  readonly #onStep: (step: SignInStep | null) => void;
  #pending: Pending | null = null;

  constructor(environment: Environment, onStep: (step: SignInStep | null) => void) {
    this.#environment = environment;
    this.#onStep = onStep;
  }

  /** Finishes a login that has passed, or keeps it until it has. */
  async begin(login: Login, finish: Finish): Promise<SignInStep> {
    await this.cancel();
    return await this.#follow(login, finish);
  }

  /** Throws `expired` when no login waits. */
  async complete(answer: SignInAnswer): Promise<SignInStep> {
    const pending = this.#require();
    const step = await pending.login.answer(answerOf(answer), answer.trustDevice ?? false);
    this.#requireStill(pending, step);
    return await this.#follow(pending.login, pending.finish);
  }

  /** As long as the server holds the call. Throws `not-allowed` when a device said no. */
  async awaitApproval(): Promise<SignInStep> {
    const pending = this.#require();
    const step = await pending.login.awaitApproval().catch((error: unknown) => {
      throw this.#pending === pending ? error : new ProtocolError('cancelled', 'the login was cancelled');
    });
    this.#requireStill(pending, step);
    return step.kind === 'device-pending' ? await this.#describe(pending.login) : { kind: 'done' };
  }

  /** After an approval: what the login was for. In turn with the other verbs. */
  async finish(): Promise<SignInStep> {
    const pending = this.#require();
    return await this.#follow(pending.login, pending.finish);
  }

  async cancel(): Promise<void> {
    const pending = this.#pending;
    if (pending === null) return;
    this.#drop();
    this.#onStep(null);
    await pending.login.cancel();
  }

  async #follow(login: Login, finish: Finish): Promise<SignInStep> {
    this.#drop();
    const { step } = login;
    if (step.kind === 'signed-in') {
      this.#onStep(null);
      await finish(step.signedIn);
      return { kind: 'done' };
    }
    const expiresAt = step.kind === 'device-pending' ? step.expiresAtMs : Number(step.question.expiresAtMs);
    const wait = Math.max(0, expiresAt - this.#environment.clock.now());
    const cancelTimer = this.#environment.clock.schedule(wait, () => void this.cancel());
    this.#pending = { login, finish, cancelTimer };
    const described = await this.#describe(login);
    this.#onStep(described);
    return described;
  }

  async #describe({ step }: Login): Promise<SignInStep> {
    switch (step.kind) {
      case 'signed-in':
        return { kind: 'done' };
      case 'second-factor':
        return describeQuestion(step.question);
      case 'device-pending': {
        const { signer } = await this.#environment.storage.device();
        const words = deviceWords(signer.publicKey);
        return { kind: 'device-pending', words, expiresAt: step.expiresAtMs };
      }
    }
  }

  #require(): Pending {
    if (this.#pending === null) throw new ProtocolError('expired', 'no login is under way');
    return this.#pending;
  }

  /** The person gave it up while the server answered. */
  #requireStill(pending: Pending, step: Login['step']): void {
    if (this.#pending === pending) return;
    if (step.kind === 'signed-in') step.signedIn.dataKey.fill(0);
    throw new ProtocolError('cancelled', 'the login was cancelled');
  }

  #drop(): void {
    this.#pending?.cancelTimer();
    this.#pending = null;
  }
}

const methodNames = {
  [SecondFactorMethod.TOTP]: 'totp',
  [SecondFactorMethod.SECURITY_KEY]: 'security-key',
  [SecondFactorMethod.BACKUP_CODE]: 'backup-code',
} as const;

function describeQuestion({ methods, challenge, credentialIds }: SecondFactorQuestion): SignInStep {
  const names = methods.flatMap((method) =>
    method === SecondFactorMethod.UNSPECIFIED || !(method in methodNames) ? [] : [methodNames[method]],
  );
  const webauthn = { challenge: copy(challenge), credentialIds: credentialIds.map(copy) };
  return { kind: 'second-factor', methods: names, webauthn: credentialIds.length > 0 ? webauthn : null };
}

function answerOf(answer: SignInAnswer): SecondFactorAnswer {
  if ('code' in answer) return { case: 'totpCode', value: answer.code.replace(/\s/g, '') };
  if ('backupCode' in answer) return { case: 'backupCode', value: answer.backupCode };
  const { credentialId, clientData: clientDataJson, authenticatorData, signature } = answer.assertion;
  const value = { credentialId, clientDataJson, authenticatorData, signature };
  return { case: 'assertion', value };
}

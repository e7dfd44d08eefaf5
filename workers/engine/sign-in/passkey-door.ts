import type { PasskeyAnswer, PasskeyRequest } from '../../api/sign-in.ts';
import { copy, wipe, type Bytes } from '../../../protocol/bytes.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { AccountService } from '../../../protocol/messages/gen/account_pb.js';
import { passkeyInput } from '../../../protocol/vault/account-keys.ts';
import type { ApiClient } from '../connection/api-client.ts';
import type { Environment } from '../environment.ts';
import type { PasskeyProof } from './login.ts';

/** An unlock works without the server: a slow one must not hold it up. */
const patienceMs = 3_000;

/** What passkeys are asked, and the login at the server that their answer belongs to. */
export class PasskeyDoor {
  readonly #environment: Environment;
  readonly #api: ApiClient;
  #loginUid: Bytes | null = null;

  constructor(environment: Environment, api: ApiClient) {
    this.#environment = environment;
    this.#api = api;
  }

  /** Throws `offline`, or what the server says. */
  async ask(): Promise<PasskeyRequest> {
    this.#loginUid = null;
    const { loginUid, challenge } = await this.#api.call(AccountService.method.startPasskeyLogin, {});
    this.#loginUid = copy(loginUid);
    return { challenge: copy(challenge), credentialIds: [], input: passkeyInput() };
  }

  /** For passkeys that open the copy on this device. Without the server, the challenge is nobody's. */
  async askToUnlock(credentialIds: readonly Bytes[]): Promise<PasskeyRequest> {
    if (credentialIds.length === 0) throw new ProtocolError('not-found', 'no passkey opens this device');
    const { promise: late, resolve } = Promise.withResolvers<null>();
    const cancel = this.#environment.clock.schedule(patienceMs, () => resolve(null));
    const asked = this.ask().catch(() => null);
    const request = await Promise.race([asked, late]).finally(cancel);
    const challenge = request?.challenge ?? randomBytes(32);
    if (request === null) this.#loginUid = null;
    return { challenge, credentialIds: [...credentialIds], input: passkeyInput() };
  }

  /** The answer as proof for the login that was begun. Throws `expired` when there is none. */
  proofOf(answer: PasskeyAnswer): PasskeyProof {
    const proof = this.takeProof(answer);
    if (proof === null) throw new ProtocolError('expired', 'the passkey was not asked for that');
    return proof;
  }

  /** The same, once; null when the server was not asked. Takes over the answer's bytes. */
  takeProof(answer: PasskeyAnswer): PasskeyProof | null {
    const loginUid = this.#loginUid;
    this.#loginUid = null;
    if (loginUid === null) {
      wipe(answer.prf);
      return null;
    }
    return { ...answer, loginUid };
  }
}

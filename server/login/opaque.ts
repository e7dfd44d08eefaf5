// The server's half of OPAQUE (RFC 9807). A password never arrives here, in no form.
import { ready, server } from '@serenity-kit/opaque';
import { ProtocolError } from '../../protocol/errors.ts';
import { LoginFactor } from '../../protocol/messages/gen/account_pb.js';

export type KnownFactor = LoginFactor.PASSWORD | LoginFactor.RECOVERY;

/** Throws `malformed` for a factor that does not exist. */
export function requireFactor(factor: LoginFactor): KnownFactor {
  if (factor === LoginFactor.PASSWORD || factor === LoginFactor.RECOVERY) return factor;
  throw new ProtocolError('malformed', 'no such login factor');
}

/** Registration and login of one factor use the same identifier, and no two factors share one. */
const identifierOf = (email: string, factor: KnownFactor) => `${LoginFactor[factor].toLowerCase()}:${email}`;

export class Opaque {
  readonly #setup: string;

  private constructor(setup: string) {
    this.#setup = setup;
  }

  static async load(setup: string): Promise<Opaque> {
    await ready;
    return new Opaque(setup);
  }

  /** Throws `malformed`. */
  answerRegistration(email: string, factor: KnownFactor, registrationRequest: string): string {
    const userIdentifier = identifierOf(email, factor);
    return orMalformed(
      () =>
        server.createRegistrationResponse({ serverSetup: this.#setup, userIdentifier, registrationRequest })
          .registrationResponse,
    );
  }

  /** With no record, answers as for an account that exists: the library's fake record (RFC 9807 §10.9). */
  startLogin(
    email: string,
    factor: KnownFactor,
    registrationRecord: string | null,
    startLoginRequest: string,
  ): { state: string; response: string } {
    const userIdentifier = identifierOf(email, factor);
    const { serverLoginState, loginResponse } = orMalformed(() =>
      server.startLogin({ serverSetup: this.#setup, userIdentifier, registrationRecord, startLoginRequest }),
    );
    return { state: serverLoginState, response: loginResponse };
  }

  /** Throws `login-refused` whatever the cause. */
  finishLogin(serverLoginState: string, finishLoginRequest: string): void {
    try {
      server.finishLogin({ serverLoginState, finishLoginRequest });
    } catch {
      throw new ProtocolError('login-refused', 'email or password is wrong');
    }
  }
}

function orMalformed<T>(run: () => T): T {
  try {
    return run();
  } catch {
    throw new ProtocolError('malformed', 'not an opaque message');
  }
}

import { SessionFailure } from '../terminal/failure.ts';
import type { FailureCode, SessionLeg } from '../terminal/failure.ts';

/** Guacamole status codes (guacamole/protocol-types.h) by the leg that they are about. guacd's texts say nothing. */
const causes: ReadonlyMap<number, readonly [SessionLeg, FailureCode, string]> = new Map([
  [0x0201, ['guacd', 'guacd-busy', 'guacd has no room for another session']],
  [0x0202, ['target', 'target-timed-out', 'the target did not answer in time']],
  [0x0203, ['target', 'target-error', 'the target broke the protocol']],
  [0x0207, ['target', 'target-unreachable', 'the target cannot be reached']],
  [0x0208, ['target', 'target-unreachable', 'the target is not available']],
  [0x0209, ['target', 'target-closed', 'another session took this one over']],
  [0x020a, ['target', 'target-timed-out', 'the target ended the session because it was idle']],
  [0x020b, ['target', 'target-closed', 'the target ended the session']],
  [0x0301, ['login', 'login-refused', 'the target refused the login']],
  [0x0303, ['login', 'login-refused', 'the target refused this account']],
  [0x0308, ['gateway', 'browser-silent', 'guacd heard nothing for too long']],
  [0x031d, ['guacd', 'guacd-busy', 'too many connections']],
]);

/** The named cause of an `error` instruction's status code. */
export function failureOfStatus(status: string | undefined): SessionFailure {
  const code = /^\d{1,5}$/.test(status ?? '') ? Number(status) : -1;
  const [leg, name, message] = causes.get(code) ?? [
    'guacd',
    'guacd-error',
    `guacd gave up with status ${code}`,
  ];
  return new SessionFailure(leg, name, message);
}

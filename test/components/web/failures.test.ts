import { describe, expect, test } from 'vitest';
import { refusalCodes } from '../../../gateway/router/refusal.ts';
import { failureCodes } from '../../../gateway/terminal/failure.ts';
import { errorCodes, ProtocolError } from '../../../protocol/errors.ts';
import { explainCode } from '../../../web/state/error-text.ts';
import { describeFailure, isCatalogued } from '../../../web/session/failures/failures.ts';
import { RunFailure } from '../../../web/session/failures/run-failure.ts';
import { refusalOf } from '../../../web/session/signal-text.ts';

const codesOfThePage = ['ice-failed', 'peer-lost', 'not-connectable', 'no-room-to-record'];
/** What can go wrong on the way to a jump machine and in its login. */
const ofTheWay: readonly string[] = [
  ...['name-not-found', 'target-refused', 'target-unreachable', 'target-timed-out', 'target-lost'],
  ...['target-protocol', 'host-key-mismatch', 'host-key-unknown', 'forwarding-refused'],
  ...['login-refused', 'login-question', 'key-unreadable', 'passphrase-wrong'],
];
const routerCodes = [
  'gateway-unknown',
  'gateway-offline',
  'gateway-busy',
  'refused',
  'timed-out',
  'not-allowed',
];

describe('every failure is said in words', () => {
  test.each(failureCodes)('the gateway’s failure %s has its own text', (code) => {
    expect(isCatalogued(code)).toBe(true);
  });

  test.each(refusalCodes)('the gateway’s refusal %s names its cause and the next step', (code) => {
    const { title, cause, next } = describeFailure({ leg: null, code, message: '' });
    for (const text of [title, cause, next]) expect(text).toMatch(/^[A-Z].{3,}/);
    expect(title).not.toBe('The session failed');
  });

  test.each([...codesOfThePage, ...routerCodes])('%s names the leg that failed', (code) => {
    expect(isCatalogued(code)).toBe(true);
    expect(describeFailure({ leg: null, code, message: '' }).leg).not.toBeNull();
  });

  test.each(errorCodes)('the error %s says what happened and what to do, without the code', (code) => {
    const { title, next } = explainCode(code);
    expect(title.length).toBeGreaterThan(5);
    expect(next).toMatch(/[.!]$/);
    if (code.includes('-')) expect(`${title} ${next}`).not.toContain(code);
  });

  test('a code of a newer gateway is named, not hidden', () => {
    expect(describeFailure({ leg: null, code: 'moon-phase', message: '' }).cause).toContain('moon-phase');
  });

  test.each(failureCodes.filter((code) => !['cancelled', 'closed'].includes(code)))(
    'a failure %s of the jump machine does not blame the machine behind it',
    (code) => {
      const { leg, title, cause } = describeFailure({ leg: 'jump', code, message: '' });
      if (leg === 'jump') expect(`${title} ${cause}`).toMatch(/jump machine|through a machine/i);
      if (ofTheWay.includes(code)) expect(leg).toBe('jump');
    },
  );

  test('a changed host key and a foreign gateway are alarms', () => {
    for (const code of ['host-key-mismatch', 'untrusted', 'bad-signature'])
      expect(describeFailure({ leg: null, code, message: '' }).tone).toBe('alarm');
  });
});

describe('why a command came to nothing', () => {
  test('a refusal carries the gateway’s own code at the start of its message', () => {
    const failure = refusalOf(new ProtocolError('refused', 'not-in-roster: the account is not a member'));
    expect(failure).toMatchObject({ leg: 'gateway', code: 'not-in-roster' });
  });

  test('any other error keeps its code', () => {
    expect(refusalOf(new ProtocolError('gateway-offline')).code).toBe('gateway-offline');
  });

  test('what the page found itself stays as it is', () => {
    const failure = { leg: 'ice', code: 'ice-failed', message: '' } as const;
    expect(refusalOf(new RunFailure(failure))).toBe(failure);
  });

  test('a foreign error is never shown as a code of ours', () => {
    expect(refusalOf(new TypeError('x is undefined'))).toMatchObject({ leg: null, code: 'internal' });
  });
});

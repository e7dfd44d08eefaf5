import { expect, test } from 'vitest';
import { Logger } from '../../../gateway/log/logger.ts';
import { Sessions } from '../../../gateway/sessions/sessions.ts';
import { limits } from '../../../protocol/limits.ts';
import { newUid } from '../../../protocol/uid.ts';

const newSessions = () => new Sessions(new Logger('silent'), () => {});

test('an account has a bounded number of sessions, those being made included', () => {
  const sessions = newSessions();
  const account = newUid();
  const places = Array.from({ length: limits.sessionsPerAccount }, () => sessions.reserve(account));
  expect(() => sessions.reserve(account)).toThrow('the account has as many');
  sessions.reserve(newUid());
  places[0]?.();
  sessions.reserve(account);
});

test('a gateway has a bounded number of sessions', () => {
  const sessions = newSessions();
  for (let i = 0; i < limits.sessionsPerGateway; i++) sessions.reserve(newUid());
  expect(() => sessions.reserve(newUid())).toThrow('the gateway has as many');
});

test('a gateway that is being stopped takes no more', async () => {
  const sessions = newSessions();
  await sessions.close();
  expect(() => sessions.reserve(newUid())).toThrow();
});

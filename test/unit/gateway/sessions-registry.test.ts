import { create } from '@bufbuild/protobuf';
import { describe, expect, test, vi } from 'vitest';
import { Logger } from '../../../gateway/log/logger.ts';
import type { Peer } from '../../../gateway/media/peer.ts';
import type { Session } from '../../../gateway/sessions/session.ts';
import { ends, type SessionEnd } from '../../../gateway/sessions/session-end.ts';
import { Sessions } from '../../../gateway/sessions/sessions.ts';
import type { Stream } from '../../../protocol/channel/multiplexer.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { RemoteFileRequestSchema } from '../../../protocol/messages/gen/remote-file_pb.js';
import { StreamOpenSchema, type StreamOpen } from '../../../protocol/messages/gen/session_pb.js';
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

describe('the token of a session’s files', () => {
  const [peer, other] = [{}, {}] as [Peer, Peer];
  const file = create(RemoteFileRequestSchema, { ask: { case: 'list', value: {} } });

  function begin() {
    const sessions = newSessions();
    const serveFile = vi.fn<Session['serveFile']>();
    const ended = Promise.withResolvers<SessionEnd>();
    const never = new Promise<void>(() => {});
    const session = { uid: newUid(), peer, ended: ended.promise, streamDue: never, serveFile };
    const [token, fileToken] = [randomBytes(16), randomBytes(16)];
    sessions.add(session as unknown as Session, token, fileToken);
    const claim = (from: Peer, streamToken: Uint8Array) => {
      const reset = vi.fn<Stream['reset']>();
      sessions.claim(from, { reset } as unknown as Stream, create(StreamOpenSchema, { streamToken, file }));
      return reset.mock.calls.length === 0;
    };
    return { claim, serveFile, token, fileToken, end: () => ended.resolve(ends.internal), ended };
  }

  test('opens streams for files as often as they are wanted, on the session’s own peer connection alone', () => {
    const { claim, serveFile, token, fileToken } = begin();
    expect([claim(peer, fileToken), claim(peer, fileToken)]).toEqual([true, true]);
    expect(serveFile).toHaveBeenCalledTimes(2);
    expect([claim(other, fileToken), claim(peer, token), claim(peer, randomBytes(16))]).toEqual([
      ...[false, false, false],
    ]);
    expect(serveFile).toHaveBeenCalledTimes(2);
  });

  test('opens none after the session', async () => {
    const { claim, serveFile, fileToken, end, ended } = begin();
    end();
    await ended.promise;
    expect(claim(peer, fileToken)).toBe(false);
    expect(serveFile).not.toHaveBeenCalled();
  });
});

describe('the token of a session that ended before its stream came', () => {
  const peer = {} as Peer;

  /** Of a session, what the registry uses. */
  function standIn() {
    const [ended, streamDue] = [Promise.withResolvers<SessionEnd>(), Promise.withResolvers<void>()];
    const attach = vi.fn<Session['attach']>();
    const session = { uid: newUid(), peer, ended: ended.promise, streamDue: streamDue.promise, attach };
    const end = async () => {
      ended.resolve(ends.internal);
      await ended.promise;
    };
    const stopWaiting = async () => {
      streamDue.resolve();
      await streamDue.promise;
    };
    return { session: session as unknown as Session, attach, end, stopWaiting, token: randomBytes(16) };
  }

  const claim = (sessions: Sessions, streamToken: Uint8Array) => {
    const reset = vi.fn<Stream['reset']>();
    sessions.claim(peer, { reset } as unknown as Stream, { streamToken } as StreamOpen);
    return reset;
  };

  test('is good until the stream is no longer due, once', async () => {
    const sessions = newSessions();
    const [asked, late] = [standIn(), standIn()];
    for (const { session, token, end } of [asked, late]) {
      sessions.add(session, token);
      await end();
    }
    expect(sessions.size).toBe(0);
    expect(claim(sessions, asked.token)).not.toHaveBeenCalled();
    expect(asked.attach).toHaveBeenCalledOnce();
    expect(claim(sessions, asked.token)).toHaveBeenCalledWith('refused');
    await late.stopWaiting();
    expect(claim(sessions, late.token)).toHaveBeenCalledWith('refused');
    expect(late.attach).not.toHaveBeenCalled();
  });

  test('gives way to newer ones when there are too many', async () => {
    const sessions = newSessions();
    const many = Array.from({ length: limits.sessionsPerGateway + 1 }, standIn);
    for (const { session, token, end } of many) {
      sessions.add(session, token);
      await end();
    }
    const [oldest, next] = many;
    expect(claim(sessions, oldest?.token ?? randomBytes(16))).toHaveBeenCalledWith('refused');
    expect(claim(sessions, next?.token ?? randomBytes(16))).not.toHaveBeenCalled();
  });
});

import { flushSync, mount, unmount } from 'svelte';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { newUid } from '../../../protocol/uid.ts';
import type { SuppliedLogin } from '../../../workers/api.ts';
import LoginForm from '../../../web/session/LoginForm.svelte';
import { RunFailure } from '../../../web/session/failures/run-failure.ts';
import { SessionEvents } from '../../../web/session/session-events.ts';
import type { SessionServices } from '../../../web/session/run-targets.ts';
import { Session } from '../../../web/session/session.svelte.ts';

vi.mock('../../../web/session/screen/remote-screen.ts', () => ({ RemoteScreen: class {} }));

const supplied: SuppliedLogin = { username: 'ada', password: 'typed', privateKey: '', passphrase: '' };
const fields = [{ type: 'pamSettings', value: [{ connection: { protocol: 'ssh', allowSupplyUser: true } }] }];
const content = { type: 'pamMachine', title: '', fields };

let session: Session;
let refusal: string;
const startSession = vi.fn(() =>
  Promise.reject(new RunFailure({ leg: 'login', code: refusal, message: '' })),
);

const pinHostKey = vi.fn(() => Promise.resolve());

beforeEach(() => {
  startSession.mockClear();
  pinHostKey.mockClear();
  const verbs = {
    readRecord: () => Promise.resolve({ content, gatewayUid: newUid(), access: 'owner' }),
    pinHostKey,
    startSession,
  };
  const peers = { take: () => Promise.resolve({ fresh: false, peer: { uid: newUid() }, release: () => {} }) };
  const services = { verbs, peers, events: new SessionEvents() };
  session = new Session('1', { recordUid: newUid(), title: 'web' }, services as unknown as SessionServices);
  session.fit({ width: 800, height: 600, ratio: 1 });
});

/** A try with a login of the person's own that ends so; the machine has shown its key on the way. */
async function signIn(failure: string): Promise<void> {
  refusal = failure;
  session.signIn(supplied);
  await vi.waitFor(() => expect(session.failure?.code).toBe(failure));
  expect(startSession).toHaveBeenLastCalledWith(expect.objectContaining({ supplied }));
  session.hostKey = { key: 'ssh-ed25519 AAAA', fingerprint: 'SHA256:x', trustedOnFirstUse: false };
}

test('what was typed goes with the host key that was asked about', async () => {
  await signIn('host-key-unknown');
  await session.trustHostKey();
  await vi.waitFor(() => expect(startSession).toHaveBeenCalledTimes(2));
  expect(startSession).toHaveBeenLastCalledWith(
    expect.objectContaining({ supplied, acceptedHostKey: 'ssh-ed25519 AAAA' }),
  );
});

test.each(['login-refused', 'target-unreachable'])('after %s it is not kept', async (failure) => {
  await signIn(failure);
  await session.trustHostKey();
  await vi.waitFor(() => expect(session.failure?.code).toBe('credential-needed')); // nothing to try with
  expect(startSession).toHaveBeenCalledOnce();
});

test('an RDP machine’s certificate is explained as one, and what was typed goes with it, too', async () => {
  startSession.mockImplementationOnce(() => {
    session.hostKey = { key: 'x509 AAAA', fingerprint: '12:AB', trustedOnFirstUse: false };
    return Promise.reject(new RunFailure({ leg: 'target', code: 'host-key-unknown', message: '' }));
  });
  session.signIn(supplied);
  await vi.waitFor(() => expect(session.failure?.code).toBe('certificate-unknown'));
  expect(session.failure?.cause).toContain('certificate');
  await session.trustHostKey();
  await vi.waitFor(() => expect(startSession).toHaveBeenCalledTimes(2));
  expect(startSession).toHaveBeenLastCalledWith(
    expect.objectContaining({ supplied, acceptedHostKey: 'x509 AAAA' }),
  );
});

test('nor after the tab was closed', async () => {
  await signIn('host-key-unknown');
  session.close();
  await session.trustHostKey();
  expect(session.phase).toBe('failed'); // nothing begins in a tab that is gone
  expect(startSession).toHaveBeenCalledOnce();
});

test('a host key that cannot be pinned is not trusted, and why is said; pressed twice it is pinned once', async () => {
  await signIn('host-key-unknown');
  const pinned = Promise.withResolvers<void>();
  pinHostKey.mockReturnValueOnce(pinned.promise);
  const both = Promise.all([session.trustHostKey(), session.trustHostKey()]);
  expect([session.trusting, pinHostKey.mock.calls.length]).toEqual([true, 1]);
  const failure = new Error('no room');
  pinned.reject(failure);
  await both;
  expect([session.trusting, session.trustFailure, session.phase]).toEqual([false, failure, 'failed']);
  expect(startSession).toHaveBeenCalledOnce();
  await session.trustHostKey();
  await vi.waitFor(() => expect(startSession).toHaveBeenCalledTimes(2));
  expect(session.trustFailure).toBeNull();
});

let form: ReturnType<typeof mount> | null = null;
afterEach(async () => {
  if (form !== null) await unmount(form);
  form = null;
  document.body.replaceChildren();
});

/** The form for a login, as it comes back after a refusal, in a tab that is seen or is not. */
function showForm(visibility: string): void {
  const target = document.createElement('div');
  target.style.visibility = visibility;
  document.body.append(target);
  form = mount(LoginForm, { target, props: { session } });
  flushSync();
}

test('the form that asks for a login has the focus', () => {
  showForm('visible');
  const id = document.activeElement?.id;
  expect(document.querySelector(`label[for="${id}"]`)?.textContent?.trim()).toBe('User name');
});

test('and takes none from another tab', () => {
  showForm('hidden');
  expect(document.activeElement).toBe(document.body);
});

import { flushSync, mount, unmount } from 'svelte';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { ProtocolError } from '../../../protocol/errors.ts';
import { newUid } from '../../../protocol/uid.ts';
import type { InvitedSession, PinState, SessionGuest, SessionStarted } from '../../../workers/api.ts';
import type { Session } from '../../../web/session/session.svelte.ts';
import { SessionSharing } from '../../../web/session/sharing/session-sharing.svelte.ts';
import { createFakeVault, type FakeVault } from '../../fakes/vault-verbs.ts';
import { markChosen } from '../vault/fields/form.ts';
import SharedSessionHarness from './SharedSessionHarness.svelte';

let mounted: ReturnType<typeof mount> | null = null;
const text = () => document.body.textContent?.replace(/\s+/g, ' ') ?? '';
const shows = (wanted: string) => vi.waitFor(() => expect(text()).toContain(wanted));
const nameOf = (one: Element) =>
  one.getAttribute('aria-label') ?? one.textContent?.replace(/\s+/g, ' ').trim();
const find = (name: string) => [...document.querySelectorAll('button')].find((one) => nameOf(one) === name);
const press = (name: string) => {
  (find(name) ?? expect.unreachable(`no button ${name}`)).click();
  flushSync();
};
const select = (label: string, option: string) => {
  const found = [...document.querySelectorAll('label')].find((one) => one.textContent?.trim() === label);
  const field = document.getElementById(found?.htmlFor ?? '');
  if (!(field instanceof HTMLSelectElement)) throw new Error(`no list ${label}`);
  const wanted = [...field.options].find((one) => one.textContent?.trim() === option);
  if (!wanted) throw new Error(`no option ${option}`);
  field.value = wanted.value;
  markChosen(field);
  field.dispatchEvent(new Event('change', { bubbles: true }));
  flushSync();
};

afterEach(async () => {
  if (mounted !== null) await unmount(mounted);
  mounted = null;
  document.body.replaceChildren();
});

const started = (sharing: SessionStarted['sharing']) => ({ sessionUid: newUid(), sharing, guest: null });
const guestOf = (email: string, typing = false): SessionGuest => ({
  ...{ accountUid: newUid(), shareUid: newUid(), email, typing, since: Date.now(), byPolicy: false },
});

function withPeople(...pins: PinState[]): FakeVault {
  const fake = createFakeVault({ phase: 'unlocked' });
  pins.forEach((pin, i) =>
    fake.people.push({ accountUid: newUid(), email: `person-${i}@example.test`, pin }),
  );
  return fake;
}

async function show(fake: FakeVault, allowed: SessionStarted['sharing'] = 'type') {
  const sharing = new SessionSharing(fake);
  sharing.begin(started(allowed));
  const session = { title: 'web-1', phase: 'open', sharing, sharingOpen: false } as unknown as Session;
  const props = { verbs: fake, session, sessions: { join: () => {} }, onclose: vi.fn() };
  mounted = mount(SharedSessionHarness, { target: document.body, props });
  flushSync();
  if (fake.people.length > 0) await shows('Choose a colleague');
  return { sharing, onclose: props.onclose };
}

describe('the dialog for sharing a session', () => {
  test('invites the chosen colleague to what was chosen, and lists them with the way back', async () => {
    const fake = withPeople('verified', 'new');
    await show(fake);
    expect(find('Share')?.disabled).toBe(true);
    select('With', 'person-1@example.test');
    select('They may', 'Look on and type');
    select('For', '15 minutes');
    press('Share');
    await shows('invited, may type, until');
    const [one] = fake.sharedSessions;
    expect(one).toMatchObject({ guestUid: fake.people[1]?.accountUid, typing: true, minutes: 15 });
    const email = `${one?.guestUid.slice(0, 4)}@example.test`;
    press(`Take back from ${email}`);
    await vi.waitFor(() => expect(text()).not.toContain('Shared with'));
    expect(fake.unsharedSessions).toHaveLength(1);
  });

  test('offers no typing where the machine’s record allows looking on alone', async () => {
    await show(withPeople('verified'), 'watch');
    expect(() => select('They may', 'Look on and type')).toThrow('no option');
  });

  test('says who is in, and ends it for all', async () => {
    const fake = withPeople('verified', 'verified');
    const { sharing } = await show(fake);
    for (const guest of ['person-0@example.test', 'person-1@example.test']) {
      select('With', guest);
      press('Share');
      await vi.waitFor(() => expect(fake.sharedSessions.length).toBe(sharing.shares.length));
      await vi.waitFor(() => expect(find('Share')?.getAttribute('aria-busy')).not.toBe('true'));
    }
    const [first] = sharing.shares;
    if (!first) throw new Error('nothing is shared');
    sharing.tell([{ ...guestOf(first.email), shareUid: first.shareUid }]);
    flushSync();
    await shows('is in, looks on');
    press('End for all');
    await vi.waitFor(() => expect(fake.unsharedSessions).toEqual([null]));
  });

  test('a changed key blocks until it was compared; a refusal is said and the dialog stays', async () => {
    const fake = withPeople('changed', 'verified');
    const { onclose } = await show(fake);
    select('With', 'person-0@example.test');
    expect(find('Share')?.disabled).toBe(true);
    select('With', 'person-1@example.test');
    fake.failShares(new ProtocolError('gateway-offline', 'the gateway is not connected'));
    press('Share');
    await vi.waitFor(() => expect(document.querySelector('[role=alert]')).not.toBeNull());
    expect(onclose).not.toHaveBeenCalled();
  });

  test('without colleagues it leads to where they are invited', async () => {
    await show(withPeople());
    await shows('Nobody else is in the organisation yet.');
  });
});

describe('who else is in a session', () => {
  test('is named in the bar for as long as they are there', async () => {
    const { sharing } = await show(withPeople());
    expect(sharing.tell([guestOf('eve@example.test', true)])).toBe('eve@example.test joined and may type.');
    flushSync();
    expect(find('eve@example.test, typing') ?? text()).toBeTruthy();
    await shows('eve@example.test');
    expect(sharing.tell([])).toBe('eve@example.test left.');
    const both = [guestOf('ada@example.test', true), guestOf('ben@example.test')];
    expect(sharing.tell(both)).toBe('ada@example.test and ben@example.test joined.');
    sharing.tell([]);
    flushSync();
    expect(text()).not.toContain('eve@example.test');
  });

  test('is nobody once the session is over', () => {
    const sharing = new SessionSharing(createFakeVault());
    sharing.begin(started('type'));
    sharing.tell([guestOf('eve@example.test')]);
    sharing.end();
    expect([sharing.guests, sharing.shares, sharing.allowed]).toEqual([[], [], 'off']);
  });
});

test('an invitation is said once, listed while it lasts, and joined from either', async () => {
  const fake = createFakeVault({ phase: 'unlocked' });
  const invited: InvitedSession = {
    ...{ shareUid: newUid(), gatewayUid: newUid(), hostEmail: 'ada@example.test', title: 'web-1' },
    ...{ typing: true, until: Date.now() + 6_000 },
  };
  fake.invitedSessions.push(invited);
  const join = vi.fn();
  const props = { verbs: fake, session: null, sessions: { join }, onclose: () => {} };
  mounted = mount(SharedSessionHarness, { target: document.body, props });
  await shows('ada@example.test shares web-1');
  press('Join');
  press('Join web-1 of ada@example.test');
  expect(join.mock.calls).toEqual([[invited], [invited]]);
  fake.set({ invitationsVersion: 9 });
  await vi.waitFor(() => expect(text()).not.toContain('Shared with me, live'), { timeout: 60_000 });
});

test.each(['is taken back', 'is joined from the list'])(
  'an invitation that %s is said no longer',
  async (how) => {
    const fake = createFakeVault({ phase: 'unlocked' });
    fake.invitedSessions.push({
      ...{ shareUid: newUid(), gatewayUid: newUid(), hostEmail: 'ada@example.test', title: 'web-1' },
      ...{ typing: true, until: Date.now() + 60_000 },
    });
    const props = { verbs: fake, session: null, sessions: { join: () => {} }, onclose: () => {} };
    mounted = mount(SharedSessionHarness, { target: document.body, props });
    await shows('ada@example.test shares web-1');
    if (how === 'is taken back') {
      fake.invitedSessions.pop();
      fake.set({ invitationsVersion: 9 });
    } else press('Join web-1 of ada@example.test');
    await vi.waitFor(() => expect(text()).not.toContain('ada@example.test shares web-1'));
  },
);

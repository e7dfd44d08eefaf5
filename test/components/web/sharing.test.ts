import { flushSync, mount, unmount } from 'svelte';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { newUid } from '../../../protocol/uid.ts';
import type { PinState } from '../../../workers/api.ts';
import { whenText } from '../../../web/components/when.ts';
import { createFakeVault, type FakeVault } from '../../fakes/vault-verbs.ts';
import SharingHarness from './SharingHarness.svelte';

let mounted: ReturnType<typeof mount> | null = null;
const text = () => document.body.textContent?.replace(/\s+/g, ' ') ?? '';
const shows = (wanted: string) => vi.waitFor(() => expect(text()).toContain(wanted));
const button = (name: string) =>
  [...document.querySelectorAll('button')].find(
    (one) =>
      (one.ariaLabel ?? one.getAttribute('aria-label') ?? one.textContent?.replace(/\s+/g, ' ').trim()) ===
      name,
  ) ?? expect.unreachable(`no button ${name}`);
const press = (name: string) => {
  button(name).click();
  flushSync();
};
const choose = (name: string) => {
  const label = [...document.querySelectorAll('label')].find(({ textContent }) =>
    textContent?.includes(name),
  );
  label?.querySelector('input')?.click();
  flushSync();
};

afterEach(async () => {
  if (mounted !== null) await unmount(mounted);
  mounted = null;
  document.body.replaceChildren();
});

function show(fake: FakeVault, part: 'access' | 'offers' | 'folder', objectUid = newUid()) {
  mounted = mount(SharingHarness, { target: document.body, props: { verbs: fake, part, objectUid } });
  return objectUid;
}

function withPeople(...pins: PinState[]): FakeVault {
  const fake = createFakeVault({ phase: 'unlocked' });
  pins.forEach((pin, i) =>
    fake.people.push({ accountUid: newUid(), email: `person-${i}@example.test`, pin }),
  );
  return fake;
}

describe('sharing', () => {
  test('gives a chosen person chosen rights, and lists them', async () => {
    const fake = withPeople('new', 'verified');
    const shared = vi.spyOn(fake, 'shareRecords');
    const objectUid = show(fake, 'access');
    await shows('Owner');
    press('Share');
    await shows('person-0@example.test');
    expect(button('Share').closest('section')).not.toBeNull();
    choose('person-1@example.test');
    [...document.querySelectorAll('button')]
      .findLast(({ textContent }) => textContent?.trim() === 'Share')
      ?.click();
    await vi.waitFor(() => expect(shared).toHaveBeenCalledOnce());
    expect(shared.mock.calls[0]?.[0]).toMatchObject({
      recordUids: [objectUid],
      grantees: [{ kind: 'account', uid: fake.people[1]?.accountUid }],
      rights: 'view',
      expiresAt: null,
    });
    await shows('View · by me@example.test');
    await shows('verified');
  });

  test('says whose keys were replaced by themselves since they were pinned', async () => {
    const fake = withPeople('pinned', 'pinned', 'verified');
    const [renewed, , compared] = fake.people;
    if (!renewed || !compared) throw new Error('three people');
    const renewedAt = Date.UTC(2031, 4, 17);
    fake.people[0] = { ...renewed, renewedAt };
    fake.people[2] = { ...compared, renewedAt };
    show(fake, 'access');
    await shows('Owner');
    press('Share');
    await shows(`person-0@example.test new key since ${whenText(renewedAt)}`);
    await shows('person-1@example.test known key');
    await shows('person-2@example.test verified');
  });

  test('is blocked by a changed key until its words were compared', async () => {
    const fake = withPeople('changed');
    show(fake, 'access');
    await shows('Owner');
    press('Share');
    await shows('person-0@example.test');
    choose('person-0@example.test');
    await shows('The keys of person-0@example.test changed');
    await shows('Before');
    const submit = [...document.querySelectorAll<HTMLButtonElement>('button[type=submit]')].at(-1);
    expect(submit?.disabled).toBe(true);
    press('The words are the same');
    await vi.waitFor(() => expect(submit?.disabled).toBe(false));
  });

  test('is taken back, and says who has the new key', async () => {
    const fake = withPeople('pinned', 'verified');
    const objectUid = show(fake, 'access');
    const grantees = fake.people.map(({ accountUid }) => ({ kind: 'account', uid: accountUid }) as const);
    await fake.shareRecords({ recordUids: [objectUid], grantees, rights: 'edit', expiresAt: null });
    await shows('person-0@example.test');
    vi.spyOn(fake, 'unshare');
    press('Take the access of person-0@example.test back');
    await shows('leaves their vault at once');
    expect(fake.unshare).not.toHaveBeenCalled();
    press('Take back');
    await shows('person-0@example.test has no access any more');
    await shows('New key for 1 others');
  });
});

test('everything that somebody shared is left at once, after a question', async () => {
  const fake = withPeople('pinned');
  const [ada] = fake.people;
  if (!ada) throw new Error('nobody');
  const objectUid = newUid();
  const rights = { records: 'view', manageMembers: false, manageRecords: false, owner: false } as const;
  const given = {
    rights,
    until: null,
    folderUid: null,
    folderName: null,
    pin: null,
    offered: false,
  } as const;
  const grantee = { kind: 'account', uid: newUid() } as const;
  fake.access.set(objectUid, {
    ...{
      objectUid,
      kind: 'record',
      ownerUid: ada.accountUid,
      ownerEmail: ada.email,
      own: rights,
      mayShare: false,
    },
    ways: [
      {
        ...{ ...given, grantee, name: 'me@example.test', toYou: true },
        ...{ byUid: ada.accountUid, byEmail: ada.email },
      },
      {
        ...{ ...given, grantee: { kind: 'account', uid: newUid() }, name: 'bob@example.test', toYou: false },
        ...{ byUid: grantee.uid, byEmail: 'me@example.test' },
      },
    ],
  });
  const left = vi.spyOn(fake, 'leaveShares');
  show(fake, 'access', objectUid);
  await shows('Leave all of person-0@example.test');
  expect(text().match(/Leave all/g)).toHaveLength(1); // not of what was given to another
  press('Leave all of person-0@example.test');
  await shows('leaves your vault');
  expect(left).not.toHaveBeenCalled();
  press('Leave');
  await vi.waitFor(() => expect(left).toHaveBeenCalledExactlyOnceWith(ada.accountUid));
  await shows('You left 1 shares of person-0@example.test');
  await vi.waitFor(() => expect(text()).not.toContain('Leave all'));
});

test('an offer of ownership is taken over', async () => {
  const fake = withPeople('pinned');
  const recordUid = newUid();
  fake.offers.push({ recordUid, title: 'Build host', fromUid: newUid(), fromEmail: 'ada@example.test' });
  const accepted = vi.spyOn(fake, 'acceptOwnership');
  show(fake, 'offers');
  await shows('Offered to you');
  press('Take over Build host');
  await vi.waitFor(() => expect(accepted).toHaveBeenCalledExactlyOnceWith(recordUid));
});

test('a shared folder is renamed where its members are listed', async () => {
  const fake = withPeople('pinned');
  const folderUid = await fake.createSharedFolder('Servers');
  const renamed = vi.spyOn(fake, 'renameSharedFolder');
  show(fake, 'folder', folderUid);
  await shows('Access');
  press('Rename');
  await vi.waitFor(() => expect(renamed).toHaveBeenCalledExactlyOnceWith({ folderUid, name: 'Servers' }));
});

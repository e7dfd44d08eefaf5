import { flushSync, mount, unmount } from 'svelte';
import { afterEach, expect, test, vi } from 'vitest';
import { newUid } from '../../../protocol/uid.ts';
import RecordRow from '../../../web/vault/list/RecordRow.svelte';

let row: ReturnType<typeof mount> | null = null;
afterEach(async () => {
  if (row !== null) await unmount(row);
  row = null;
  document.body.replaceChildren();
});

test('a press on the icon chooses the record and does not open it', () => {
  const uid = newUid();
  const record = {
    ...{ uid, type: 'login', title: 'Wiki', subtitle: 'ada', changedAt: 0, connectable: false },
    ...{ ownerUid: newUid(), access: 'owner', shared: false, folderUid: null, favourite: false, tags: [] },
  } as const;
  const onchoose = vi.fn();
  const props = {
    ...{ record, view: { kind: 'all' }, selected: false, chosen: false, choosing: false, reachable: true },
    ...{ onconnect: vi.fn(), onchoose, ondrag: vi.fn() },
  } as const;
  const before = location.hash;
  row = mount(RecordRow, { target: document.body, props });
  flushSync();
  expect(document.querySelector('.tile svg')?.getAttribute('width')).toBe('17');
  expect(document.querySelectorAll('.tile svg path').length).toBeGreaterThan(0);
  document.querySelector<HTMLElement>('.tile')?.click();
  flushSync();
  expect(onchoose).toHaveBeenCalledExactlyOnceWith('toggle');
  expect(location.hash).toBe(before);
});

import { ProtocolError } from '../../protocol/errors.ts';
import { newUid, type Uid } from '../../protocol/uid.ts';
import type { ShareLinkVerbs, ShareLinkView } from '../../workers/api.ts';

/** What a test prepares and watches of share links. */
export interface FakeShareLinks extends ShareLinkVerbs {
  readonly shareLinks: Map<Uid, ShareLinkView>;
}

/** Share links in memory that speak the worker's verbs. The link `used-up` is one that nobody can open. */
export function createFakeShareLinks(): FakeShareLinks {
  const shareLinks = new Map<Uid, ShareLinkView>();
  const requireLink = (link: string) => {
    if (link === 'used-up') throw new ProtocolError('not-found', 'there is no such link');
  };
  return {
    shareLinks,
    createShareLink: async ({ recordUid, lastsMs, views, oneBrowser }) => {
      const [linkUid, createdAt] = [newUid(), Date.now()];
      const terms = { views, viewsLeft: views, oneBrowser, lastOpenedAt: 0 };
      shareLinks.set(linkUid, {
        ...{ linkUid, recordUid, title: 'shared', createdAt, expiresAt: createdAt + lastsMs },
        ...terms,
      });
      return { linkUid, url: `https://vault.example.test/#share=${linkUid}` };
    },
    listShareLinks: async () => [...shareLinks.values()],
    revokeShareLink: async (linkUid) => void shareLinks.delete(linkUid),
    peekShareLink: async (link) => {
      requireLink(link);
      return { expiresAt: Date.now() + 3_600_000, viewsLeft: 2, oneBrowser: false };
    },
    openShareLink: async (link) => {
      requireLink(link);
      const fields = [
        { label: 'Login', value: 'guest' },
        { label: 'Password', value: null },
      ];
      return { title: 'Guest Wi-Fi', note: 'Ask at the desk', fields, viewsLeft: 1 };
    },
    revealShared: async () => 'wifi-secret',
    closeShareLink: async () => {},
  };
}

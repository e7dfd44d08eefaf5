import type { ShareLinkVerbs } from '../../api.ts';
import type { EngineCore } from '../core.ts';
import { ShareViewer } from '../share-links/share-viewer.ts';

/** Links of the unlocked vault, and links in the hands of anybody. */
export function shareLinkVerbs(core: EngineCore): ShareLinkVerbs {
  const links = () => core.unlocked().shareLinks;
  const viewer = new ShareViewer(core.environment, core.api);
  return {
    createShareLink: async (input) => await links().create(input),
    listShareLinks: async () => await links().list(),
    revokeShareLink: async (linkUid) => await links().revoke(linkUid),
    peekShareLink: async (link) => await viewer.peek(link),
    openShareLink: async (link) => await viewer.open(link),
    revealShared: async (index) => viewer.reveal(index),
    closeShareLink: async () => viewer.close(),
  };
}

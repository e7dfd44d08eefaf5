import type { Uid } from '../../protocol/uid.ts';

/** The other engines of this device: the same page in other tabs. */
export interface Tabs {
  /** A person has locked this account: it is to be locked in every tab. */
  tellLocked(accountUid: Uid): void;
  /** One listener. It hears of other tabs only. */
  onLocked(listener: (accountUid: string) => void): void;
  close(): void;
}

/** Where there are no tabs: scripts, command lines. */
export const noTabs: Tabs = { tellLocked: () => {}, onLocked: () => {}, close: () => {} };

/** Tabs of one origin. A message can do no more than lock. */
export function tabsOn(channel: BroadcastChannel): Tabs {
  return {
    tellLocked: (accountUid) => channel.postMessage(accountUid),
    onLocked: (listener) => {
      channel.onmessage = ({ data }: { readonly data: unknown }) => {
        if (typeof data === 'string') listener(data);
      };
    },
    close: () => channel.close(),
  };
}

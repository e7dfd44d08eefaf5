import { createContext } from 'svelte';
import type { Transfers } from '../files/transfers.svelte.ts';
import type { Route } from './route.svelte.ts';
import type { SecretClipboard } from './secret-clipboard.svelte.ts';
import type { ThemeChoice } from './theme.svelte.ts';
import type { Toasts } from './toasts.svelte.ts';
import type { Vault } from './vault.svelte.ts';

/** What every screen may reach. */
export interface AppContext {
  readonly vault: Vault;
  readonly route: Route;
  readonly toasts: Toasts;
  readonly theme: ThemeChoice;
  readonly clipboard: SecretClipboard;
  readonly transfers: Transfers;
}

export const [getApp, setApp] = createContext<AppContext>();

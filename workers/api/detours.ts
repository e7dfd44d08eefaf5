import type { Uid } from '../../protocol/uid.ts';

/** Ways through the router, whose keys stay in the worker. */
export interface DetourVerbs {
  /**
   * Opens the detour of that name, which a start or resume gave, once and soon. What happens on it is said on the port, as
   * {@link FromDetour}; the page says {@link ToDetour}. A name that is not there any more is told as lost.
   */
  openDetour(detourUid: Uid, port: MessagePort): Promise<void>;
}

/** To the page. `sent`: of all bytes that it gave, so many have left. After `lost` nothing comes. */
export type FromDetour =
  | { readonly kind: 'open' }
  | { readonly kind: 'message'; readonly message: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'sent'; readonly bytes: number }
  | { readonly kind: 'lost'; readonly code: string; readonly message: string };

/** From the page: a frame, or the end. */
export type ToDetour =
  { readonly kind: 'message'; readonly message: Uint8Array<ArrayBuffer> } | { readonly kind: 'close' };

/** Whether a session may go through the server. */
export type DetourOffer =
  | { readonly detourUid: Uid }
  /** Who does not let it. */
  | { readonly refusedBy: 'server' | 'gateway' };

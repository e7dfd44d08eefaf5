// The peer's page of `bench session`: Guacamole's own client over its WebSocket tunnel, as its manual has it.
import * as Guacamole from '@glokon/guacamole-common-js';
import type { PeerAccess } from './peer.ts';

export interface PeerPage {
  /** Opens a session, shows it in place of the one before, and gives the milliseconds until its first frame is drawn. */
  connect(access: PeerAccess): Promise<number>;
  /** Pixels of the picture that is shown. */
  size(): { readonly width: number; readonly height: number };
  /** Shows its picture by so much larger. */
  scale(factor: number): void;
  /** Ends the session that is shown. */
  disconnect(): void;
}

declare global {
  interface Window {
    peer: PeerPage;
  }
}

let shown: { readonly client: Guacamole.Client; readonly element: HTMLElement } | null = null;
const keyboard = new Guacamole.Keyboard(document);
keyboard.onkeydown = (keysym) => {
  shown?.client.sendKeyEvent(1, keysym);
  return false;
};
keyboard.onkeyup = (keysym) => shown?.client.sendKeyEvent(0, keysym);

window.peer = {
  size() {
    const display = shown?.client.getDisplay();
    return { width: display?.getWidth() ?? 0, height: display?.getHeight() ?? 0 };
  },
  scale(factor) {
    shown?.client.getDisplay().scale(factor);
  },
  disconnect() {
    shown?.client.disconnect();
    shown?.element.remove();
    shown = null;
  },
  connect({ url, token }) {
    if (shown !== null) {
      shown.element.hidden = true;
      shown.element.removeAttribute('role');
    }
    const started = performance.now();
    const client = new Guacamole.Client(new Guacamole.WebSocketTunnel(url));
    const element = document.createElement('div');
    element.setAttribute('role', 'application');
    element.append(client.getDisplay().getElement());
    document.body.append(element);
    shown = { client, element };
    return new Promise((resolve, reject) => {
      client.onerror = (status: Guacamole.Status) =>
        reject(new Error(`the peer: ${status.message ?? status.code}`));
      // Connected is what the client is with its first frame.
      client.onstatechange = (state: number) => {
        if (state === 3) client.getDisplay().flush(() => resolve(performance.now() - started));
      };
      client.connect(new URLSearchParams({ token }).toString());
    });
  },
};

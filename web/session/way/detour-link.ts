import type { Carrier } from '../../../protocol/channel/carrier.ts';
import { isErrorCode, ProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { FromDetour, ToDetour, VaultVerbs } from '../../../workers/api.ts';

export interface DetourHooks {
  readonly onMessage: (message: Uint8Array) => void;
  readonly onRoom: () => void;
  /** It is gone, unless it was closed here. */
  readonly onLost: () => void;
}

/** A way to a gateway through the server: its socket and keys are the worker's, only its frames come here. */
export class DetourLink {
  /** Settles when the gateway is on it; rejects with the reason when it does not come about. */
  readonly opened: Promise<Carrier>;
  readonly #hooks: DetourHooks;
  readonly #port: MessagePort;
  readonly #opening = Promise.withResolvers<Carrier>();
  #given = 0;
  #sent = 0;
  #over = false;

  constructor(verbs: Pick<VaultVerbs, 'openDetour'>, detourUid: Uid, hooks: DetourHooks) {
    this.#hooks = hooks;
    this.opened = this.#opening.promise;
    this.opened.catch(() => {}); // whoever waits for it hears of it
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.onmessage = ({ data }: MessageEvent<FromDetour>) => this.#take(data);
    verbs.openDetour(detourUid, port2).catch(() => this.#lose('unavailable', 'the vault is locked'));
  }

  /** What was sent still leaves. */
  close(): void {
    if (!this.#over) this.#say({ kind: 'close' });
    this.#end();
    this.#opening.reject(new ProtocolError('cancelled', 'the detour was closed'));
  }

  get #waiting(): number {
    return this.#given - this.#sent;
  }

  #take(said: FromDetour): void {
    if (this.#over) return;
    switch (said.kind) {
      case 'open':
        return this.#opening.resolve({
          send: (message) => this.#send(message),
          bufferedAmount: () => this.#waiting,
        });
      case 'message':
        return this.#hooks.onMessage(said.message);
      case 'sent':
        this.#sent = said.bytes;
        if (this.#waiting < limits.channelLowWater) this.#hooks.onRoom();
        return;
      case 'lost':
        return this.#lose(said.code, said.message);
    }
  }

  /** Copied, not handed over: the frame is kept until the gateway has acknowledged it. */
  #send(message: Uint8Array<ArrayBuffer>): void {
    if (this.#over) throw new ProtocolError('unavailable', 'the detour is closed');
    this.#given += message.length;
    this.#say({ kind: 'message', message });
  }

  #lose(code: string, message: string): void {
    if (this.#over) return;
    this.#end();
    this.#opening.reject(new ProtocolError(isErrorCode(code) ? code : 'unavailable', message));
    this.#hooks.onLost();
  }

  #end(): void {
    this.#over = true;
    this.#port.onmessage = null;
  }

  #say(said: ToDetour): void {
    this.#port.postMessage(said);
  }
}

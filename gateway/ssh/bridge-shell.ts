import type ssh2 from 'ssh2';
import { askClient } from './ssh2-internals.ts';
import { SessionFailure } from '../terminal/failure.ts';
import type { Terminal } from './target-connection.ts';

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
  readonly width: number;
  readonly height: number;
}

/** What guacd opened on the bridge: a terminal, and the shell channel whose other end is the target. */
export interface BridgeShell {
  readonly channel: ssh2.ServerChannel;
  /** As asked for, or as resized since. */
  readonly terminal: Terminal;
  /** Locale and time zone, as guacd was told them. */
  readonly environment: Readonly<Record<string, string>>;
  /** Asks guacd for an answer, which comes when it has read everything sent to it before. */
  readonly ask: (onAnswer: () => void) => void;
  /** Tells each later size. One listener. */
  onResize: (size: TerminalSize) => void;
}

/** Environment that a gateway hands on to a target; sshd has a list of its own. */
const forwarded = /^(LANG|LC_[A-Z]+|TZ)$/;
const maxVariables = 16;
const maxValue = 256;
/** No terminal is larger; sizes go on to the target. */
const maxCells = 2_000;
const maxPixels = 32_768;

/** Waits until the client of the bridge has its one terminal with a shell; everything else is refused. */
export function acceptShell(client: ssh2.Connection): Promise<BridgeShell> {
  return new Promise((resolve, reject) => {
    client.once('close', () => reject(new SessionFailure('guacd', 'guacd-lost', 'guacd left the bridge')));
    let taken = false;
    client.on('session', (accept, refuse) => {
      if (taken) return refuse();
      taken = true;
      new Opening(accept(), askClient(client), resolve);
    });
  });
}

class Opening {
  #terminal: Terminal = { term: 'xterm', columns: 80, rows: 24, width: 0, height: 0, modes: {} };
  readonly #environment: Record<string, string> = {};
  #shell: { -readonly [K in keyof BridgeShell]: BridgeShell[K] } | null = null;

  constructor(session: ssh2.Session, ask: BridgeShell['ask'], resolve: (shell: BridgeShell) => void) {
    session.on('env', (accept, refuse, { key, val }) => (this.#keep(key, val) ? accept?.() : refuse?.()));
    session.on('pty', (accept, _refuse, info) => {
      const { term, modes } = info as ssh2.PseudoTtyInfo & { term?: string };
      this.#terminal = { term: term ?? 'xterm', modes, ...sizeOf(info) };
      accept?.();
    });
    session.on('window-change', (accept, _refuse, info) => {
      this.#resize(sizeOf(info));
      accept?.();
    });
    session.once('shell', (accept) => {
      const channel = accept();
      channel.on('error', () => channel.close()); // a client that goes on after its own end
      this.#shell = {
        channel,
        terminal: this.#terminal,
        environment: this.#environment,
        ask,
        onResize: () => {},
      };
      resolve(this.#shell);
    });
  }

  #keep(key: string, value: string): boolean {
    const room = Object.keys(this.#environment).length < maxVariables && value.length <= maxValue;
    if (!room || !forwarded.test(key)) return false;
    this.#environment[key] = value;
    return true;
  }

  #resize(size: TerminalSize): void {
    this.#terminal = { ...this.#terminal, ...size };
    if (!this.#shell) return;
    this.#shell.terminal = this.#terminal;
    this.#shell.onResize(size);
  }
}

function sizeOf(info: ssh2.WindowChangeInfo): TerminalSize {
  const clamp = (value: number, max: number) => Math.min(Math.max(Math.trunc(value) || 0, 0), max);
  return {
    columns: clamp(info.cols, maxCells),
    rows: clamp(info.rows, maxCells),
    width: clamp(info.width, maxPixels),
    height: clamp(info.height, maxPixels),
  };
}

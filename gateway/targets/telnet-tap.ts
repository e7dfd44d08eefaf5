import type { ShellTap } from '../ssh/join-shells.ts';
import type { RelayTap } from './relay.ts';
import { TelnetBytes } from './telnet-bytes.ts';

/** RFC 1073. */
const windowSize = 31;

/**
 * Reads along with telnet between guacd and the target: what the terminal wrote and was sent, without telnet's own
 * commands, and the size that guacd gives it. It only looks on.
 */
export class TelnetTap implements RelayTap {
  readonly #fromTarget: TelnetBytes;
  readonly #fromGuacd: TelnetBytes;
  #person: boolean;

  /** `logsIn`: guacd has a login to type; what comes before the person's first key is its. */
  constructor(tap: ShellTap, logsIn: boolean) {
    this.#person = !logsIn;
    this.#fromTarget = new TelnetBytes(
      (bytes) => tap.output(bytes),
      () => {},
    );
    this.#fromGuacd = new TelnetBytes(
      (bytes) => this.#person && tap.input(bytes),
      (held) => {
        const size = sizeIn(held);
        if (size) tap.resize({ ...size, width: 0, height: 0 });
      },
    );
  }

  fromTarget(bytes: Uint8Array): void {
    this.#fromTarget.read(bytes);
  }

  fromGuacd(bytes: Uint8Array): void {
    this.#fromGuacd.read(bytes);
  }

  /** What the browser says, before guacd hears it. */
  fromBrowser(instructions: Uint8Array): void {
    if (this.#person) return;
    const { buffer, byteOffset, length } = instructions;
    this.#person = Buffer.from(buffer, byteOffset, length).includes('3.key,');
  }
}

/** Of the window, when that was negotiated. */
export function sizeIn(held: readonly number[]): { readonly rows: number; readonly columns: number } | null {
  const [option, a = 0, b = 0, c = 0, d = 0, ...more] = held;
  if (option !== windowSize || more.length > 0) return null;
  return { columns: a * 256 + b, rows: c * 256 + d };
}

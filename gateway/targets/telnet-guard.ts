import { ControlGuard } from '../../protocol/terminal/control-guard.ts';
import { TelnetBytes } from './telnet-bytes.ts';
import { sizeIn } from './telnet-tap.ts';

/** Until guacd has said how large its terminal is. */
const usual = { rows: 24, columns: 80 };

/** Control sequences of a telnet target, made harmless for guacd as those of SSH are. */
export class TelnetGuard {
  readonly #guard = new ControlGuard(usual.rows, usual.columns);
  readonly #fromTarget = new TelnetBytes(
    () => {},
    () => {},
  );
  readonly #fromGuacd = new TelnetBytes(
    () => {},
    (held) => {
      const size = sizeIn(held);
      if (size) this.#guard.resize(size.rows, size.columns);
    },
  );

  /** What guacd may have of it. */
  readonly rewrite = (bytes: Uint8Array): Uint8Array =>
    this.#fromTarget.rewrite(bytes, (content) => this.#guard.filter(content));

  fromGuacd(bytes: Uint8Array): void {
    this.#fromGuacd.read(bytes);
  }
}

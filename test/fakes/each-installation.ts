import { afterEach, beforeEach } from 'vitest';
import type { SignedCommand } from '../../protocol/messages/gen/command_pb.js';
import { Installation } from './installation.ts';
import { FakePage } from './page.ts';

/** A running gateway of its own for every test of the file, and pages that are closed with it. */
export class EachInstallation {
  #made: Installation | null = null;
  readonly #pages: FakePage[] = [];

  constructor(target: Parameters<typeof Installation.make>[0]) {
    beforeEach(async () => {
      this.#made = await Installation.make(target);
      await this.#made.start();
    });
    afterEach(async () => {
      for (const page of this.#pages.splice(0)) page.close();
      await this.#made?.stop();
    });
  }

  get made(): Installation {
    if (this.#made === null) throw new Error('only inside a test');
    return this.#made;
  }

  newPage(): FakePage {
    const page = new FakePage();
    this.#pages.push(page);
    return page;
  }

  /** What becomes of a command: the refusal's code, or `done`. */
  async fate(command: SignedCommand): Promise<string> {
    const { outcome } = await this.made.router.relay(command);
    return outcome.case === 'refused' ? outcome.value.code : 'done';
  }

  /** The same of a connect. */
  async fateOfConnect(): Promise<string> {
    const { command } = await this.made.prepare(this.newPage());
    return await this.fate(command);
  }
}

import type { MessageInitShape } from '@bufbuild/protobuf';
import { ProtocolError, toProtocolError } from '../../../protocol/errors.ts';
import type { SealedManifestSchema } from '../../../protocol/messages/gen/manifest_pb.js';
import { inTurn } from '../exclusive.ts';
import type { ManifestChange, ManifestKeeper } from './manifest-keeper.ts';

/** How often a write is tried against other devices that write too. */
const mostAttempts = 6;

export interface OwnWrite<T> {
  /** What it changes in the manifest, from what is known now. Throws `conflict` when its base is gone. */
  readonly change: () => ManifestChange;
  readonly send: (manifest: MessageInitShape<typeof SealedManifestSchema>) => Promise<T>;
}

export interface AttemptedWrite {
  /** Null: there is nothing to do. */
  readonly change: () => ManifestChange | null;
  readonly send: (manifest: MessageInitShape<typeof SealedManifestSchema>) => Promise<void>;
}

export interface OwnWriteParts {
  readonly manifest: ManifestKeeper;
  readonly sync: () => Promise<void>;
  readonly warn: (message: string) => void;
}

/**
 * Writes to the account's own things, one after another: each carries the next manifest, goes again when another device
 * was faster, and is read back before the next one.
 */
export class OwnWrites {
  readonly #parts: OwnWriteParts;
  readonly #oneByOne = inTurn();

  constructor(parts: OwnWriteParts) {
    this.#parts = parts;
  }

  /** Throws `conflict` when the write's own base was changed, or after six attempts. */
  async run<T>(write: OwnWrite<T>): Promise<T> {
    return await this.#oneByOne('write', async () => {
      const answer = await this.#attempt(write);
      await this.#readBack();
      return answer;
    });
  }

  /** Something that no write of this engine comes in between of. */
  alone<T>(task: () => Promise<T>): Promise<T> {
    return this.#oneByOne('write', task);
  }

  /** The same of a write that may have nothing to change any more, at the first attempt or a later one: false then. */
  async tryRun({ change, send }: AttemptedWrite): Promise<boolean> {
    return await this.#oneByOne('write', async () => {
      const isDone = await this.#again(async () => {
        const changed = change();
        if (changed !== null) await send(await this.#parts.manifest.next(changed));
        return changed !== null;
      });
      if (isDone) await this.#readBack();
      return isDone;
    });
  }

  #attempt<T>({ change, send }: OwnWrite<T>): Promise<T> {
    return this.#again(async () => await send(await this.#parts.manifest.next(change())));
  }

  async #again<T>(attempted: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await attempted();
      } catch (error) {
        if (toProtocolError(error)?.code !== 'conflict' || attempt === mostAttempts) throw error;
      }
      await this.#parts.sync();
    }
  }

  /** The change is made by now: to report a failure here would have a person make it twice. */
  async #readBack(): Promise<void> {
    try {
      await this.#parts.sync();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#parts.warn(`a change was made and could not be read back: ${error.code}`);
    }
  }
}

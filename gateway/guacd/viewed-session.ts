import type { Viewer } from './connection.ts';
import type { GuestPicture, GuestPictureOptions } from './guest-picture.ts';
import type { Picture } from './picture.ts';

/** What every session lets its browser do: look at its picture, and speak to it. Browsers come and go. */
export class ViewedSession {
  readonly #picture: Picture;

  constructor(picture: Picture) {
    this.#picture = picture;
  }

  /** The whole picture for this viewer, in place of the one before. Throws when guacd cannot be joined. */
  attach(viewer: Viewer): Promise<void> {
    return this.#picture.attach(viewer);
  }

  /** The picture for somebody else, and what they say of it, checked. It ends with the session. */
  welcome(options: GuestPictureOptions): GuestPicture {
    return this.#picture.welcome(options);
  }

  /** Goes on without a browser. */
  detach(): void {
    this.#picture.detach();
  }

  /** Whether its viewer is sent sound, where there is any. */
  hear(wanted: boolean): void {
    this.#picture.hear(wanted);
  }

  /** The viewer has room again. */
  resume(): void {
    this.#picture.resume();
  }

  /** What the browser says, checked. False: wait for `drained`. */
  write(fromBrowser: Uint8Array): boolean {
    return this.#picture.write(fromBrowser);
  }

  drained(): Promise<void> {
    return this.#picture.drained();
  }
}

import { joinRemotePath, splitRemotePath } from '../../protocol/channel/remote-path.ts';
import { FileFailure } from './file-failure.ts';
import type { FileHost } from './file-host.ts';
import { kindOf } from './sftp-packets.ts';

const slash = 0x2f;

/**
 * Where the page's paths lie on the machine. With a root of the record `/` is that folder, and nothing is reached of
 * which the machine says that it lies elsewhere once every link is followed. protocol.md §27.3
 */
export class RemoteRoot {
  readonly #sftp: FileHost;
  /** null: the machine's own. */
  readonly #root: Buffer | null;

  private constructor(sftp: FileHost, root: Buffer | null) {
    this.#sftp = sftp;
    this.#root = root;
  }

  /** `folder`: as the record has it; empty: none. Throws `root-missing`. */
  static async find(sftp: FileHost, folder: string): Promise<RemoteRoot> {
    if (folder === '') return new RemoteRoot(sftp, null);
    try {
      const root = await sftp.realPath(Buffer.from(folder));
      if (kindOf(await sftp.stat(root)) !== 'folder') throw new FileFailure('root-missing');
      return new RemoteRoot(sftp, root.length === 1 ? null : root);
    } catch (error) {
      if (error instanceof FileFailure && !sftp.usable) throw error;
      throw new FileFailure('root-missing');
    }
  }

  /** Where a page begins, as it calls it. */
  async home(): Promise<Buffer> {
    return this.#root === null ? await this.#sftp.realPath(Buffer.from('.')) : Buffer.from('/');
  }

  /** The page's path as the machine calls it, every link followed. Throws `outside-root`. */
  async real(path: Uint8Array): Promise<Buffer> {
    return this.confine(await this.#sftp.realPath(this.#below(path)));
  }

  /** The machine's own path, if it lies in the root. Throws `outside-root`. */
  confine(real: Buffer): Buffer {
    if (!this.#holds(real)) throw new FileFailure('outside-root');
    return real;
  }

  /** The same, but a link at the end stays one: for what is renamed, removed or made. */
  async place(path: Uint8Array): Promise<{ readonly folder: Buffer; readonly path: Buffer }> {
    const parts = splitRemotePath(path);
    if (parts === null) throw new FileFailure('outside-root');
    const folder = await this.real(parts.folder);
    return { folder, path: Buffer.from(joinRemotePath(folder, parts.name)) };
  }

  /** What the page calls a path of the machine's that {@link real} gave. */
  shown(real: Buffer): Buffer {
    if (this.#root === null) return real;
    return real.length === this.#root.length ? Buffer.from('/') : real.subarray(this.#root.length);
  }

  #below(path: Uint8Array): Buffer {
    if (this.#root === null) return Buffer.from(path);
    return path.length === 1 ? this.#root : Buffer.concat([this.#root, path]);
  }

  #holds(real: Buffer): boolean {
    const root = this.#root;
    if (root === null) return true;
    const within = real.subarray(0, root.length).equals(root);
    return within && (real.length === root.length || real[root.length] === slash);
  }
}

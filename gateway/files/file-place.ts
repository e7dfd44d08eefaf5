import type { FileHost } from './file-host.ts';
import type { RemoteRoot } from './remote-root.ts';

/** The machine's files, as far as a session reaches. */
export interface FilePlace {
  readonly sftp: FileHost;
  readonly root: RemoteRoot;
}

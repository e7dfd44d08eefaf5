import type { RemoteRoot } from './remote-root.ts';
import type { SftpClient } from './sftp-client.ts';

/** The machine's files, as far as a session reaches. */
export interface FilePlace {
  readonly sftp: SftpClient;
  readonly root: RemoteRoot;
}

import type { SftpClient } from './sftp-client.ts';

/**
 * Whoever holds the files of a session: a machine behind SFTP, or the gateway itself for a drive. Handles and paths are
 * its own. Every call may throw a {@link FileFailure}.
 */
export type FileHost = Pick<
  SftpClient,
  | 'close'
  | 'closeHandle'
  | 'handleStat'
  | 'isFull'
  | 'linkStat'
  | 'makeFolder'
  | 'openFile'
  | 'openFolder'
  | 'openToRead'
  | 'read'
  | 'readFolder'
  | 'realPath'
  | 'remove'
  | 'removeFolder'
  | 'rename'
  | 'replace'
  | 'stat'
  | 'usable'
  | 'write'
> & {
  /** Whether so many bytes more would fit, where that is known before they come. */
  readonly hasRoom?: (bytes: number) => boolean;
};

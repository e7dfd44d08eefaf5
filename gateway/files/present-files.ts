import { FileFailure } from './file-failure.ts';
import type { FileHost } from './file-host.ts';
import type { FileAttributes } from './sftp-packets.ts';

/** What has that path, a link itself; null: nothing. */
export async function attributesOf(sftp: FileHost, path: Buffer): Promise<FileAttributes | null> {
  try {
    return await sftp.linkStat(path);
  } catch (error) {
    if (error instanceof FileFailure && error.code === 'no-such-file') return null;
    throw error;
  }
}

import { joinRemotePath } from '../../protocol/channel/remote-path.ts';
import type { RemoteFileAsk } from '../../protocol/channel/remote-files.ts';
import { FileFailure } from './file-failure.ts';
import type { FileHost } from './file-host.ts';
import type { FilePlace } from './file-place.ts';
import { attributesOf } from './present-files.ts';

type Ask<Kind extends RemoteFileAsk['kind']> = Extract<RemoteFileAsk, { kind: Kind }>;

export async function makeFolder({ sftp, root }: FilePlace, { path }: Ask<'make'>): Promise<void> {
  const place = await root.place(path);
  await sftp.makeFolder(place.path).catch(async (error: unknown) => {
    throw (await isTaken(sftp, place.path, error)) ? new FileFailure('exists') : error;
  });
}

/** Never onto something that is there. */
export async function renameFile({ sftp, root }: FilePlace, { path, name }: Ask<'rename'>): Promise<void> {
  const place = await root.place(path);
  const to = Buffer.from(joinRemotePath(place.folder, name));
  if ((await attributesOf(sftp, to)) !== null) throw new FileFailure('exists');
  await sftp.rename(place.path, to);
}

export async function removeFile({ sftp, root }: FilePlace, { path, folder }: Ask<'remove'>): Promise<void> {
  const place = await root.place(path);
  if (!folder) return await sftp.remove(place.path);
  await sftp.removeFolder(place.path).catch(async (error: unknown) => {
    throw (await holdsAnything(sftp, place.path, error)) ? new FileFailure('folder-not-empty') : error;
  });
}

/** Servers say "failure" for these, and no more. */
function isUnexplained(error: unknown): boolean {
  return error instanceof FileFailure && error.code === 'refused';
}

async function isTaken(sftp: FileHost, path: Buffer, error: unknown): Promise<boolean> {
  return isUnexplained(error) && (await attributesOf(sftp, path)) !== null;
}

async function holdsAnything(sftp: FileHost, path: Buffer, error: unknown): Promise<boolean> {
  if (!isUnexplained(error)) return false;
  const handle = await sftp.openFolder(path).catch(() => null); // it stays unexplained then
  if (handle === null) return false;
  try {
    const files = (await sftp.readFolder(handle)) ?? [];
    return files.some(({ name }) => !['.', '..'].includes(name.toString()));
  } finally {
    await sftp.closeHandle(handle).catch(() => {}); // the connection is gone, and the handle with it
  }
}

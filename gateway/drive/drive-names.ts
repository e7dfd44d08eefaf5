import { constants, type Stats } from 'node:fs';
import type { RemoteFileCode } from '../../protocol/channel/remote-files.ts';
import { FileFailure } from '../files/file-failure.ts';
import { openFlags, type FileAttributes } from '../files/sftp-packets.ts';
import { strictly, systemCode } from './held-folder.ts';

/** What Windows takes in no name (Naming Files, Paths, and Namespaces); guacd would take the last for a folder's end. */
// eslint-disable-next-line no-control-regex -- these are among them
const unusable = /[\u0000-\u001f<>:"|?*\\]|[. ]$/;

const codes: ReadonlyMap<string, RemoteFileCode> = new Map([
  ['ENOENT', 'no-such-file'],
  ['EACCES', 'permission-denied'],
  ['EPERM', 'permission-denied'],
  ['ELOOP', 'permission-denied'], // a link
  ['EEXIST', 'exists'],
  ['ENOTEMPTY', 'folder-not-empty'],
  ['ENOTDIR', 'not-a-folder'],
  ['EISDIR', 'not-a-file'],
  ['ENXIO', 'not-a-file'], // a pipe or socket
  ['ENAMETOOLONG', 'malformed'],
  ['EINVAL', 'malformed'],
  ['EILSEQ', 'malformed'],
  ['ENOSPC', 'no-space'],
  ['EDQUOT', 'no-space'],
  ['EFBIG', 'no-space'],
]);

/** Callers have checked paths (protocol.md §27.2); dots would lead out, so they are looked for again. Throws `malformed`. */
export function partsOf(path: Uint8Array): readonly Buffer[] {
  const parts = Buffer.from(path)
    .toString('latin1')
    .split('/')
    .slice(1)
    .map((part) => Buffer.from(part, 'latin1'));
  const [only] = parts;
  if (parts.length === 1 && only?.length === 0) return [];
  if (parts.some((part) => part.length === 0 || ['.', '..'].includes(part.toString('latin1'))))
    throw new FileFailure('malformed');
  return parts;
}

export function requireUsable(name: Buffer): void {
  const text = name.toString();
  if (unusable.test(text) || !Buffer.from(text).equals(name)) throw new FileFailure('malformed');
}

/** Of open(2), for what the desk asks for in the words of SFTP. */
export function systemFlags(flags: number): number {
  const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL } = constants;
  const creates = (flags & openFlags.create) !== 0;
  return (
    strictly | ((flags & openFlags.write) !== 0 ? O_WRONLY : O_RDONLY) | (creates ? O_CREAT | O_EXCL : 0)
  );
}

export function attributesIn({ size, mtimeMs, mode: kind }: Stats): FileAttributes {
  return { size, modified: Math.max(0, Math.floor(mtimeMs / 1_000)), mode: kind };
}

/** What a system's call that failed means for whoever asked. */
export function driveFailureOf(error: unknown): FileFailure {
  return error instanceof FileFailure ? error : new FileFailure(codes.get(systemCode(error)) ?? 'refused');
}

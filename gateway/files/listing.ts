import type { MessageInitShape } from '@bufbuild/protobuf';
import { joinRemotePath } from '../../protocol/channel/remote-path.ts';
import type { RemoteFileAsk } from '../../protocol/channel/remote-files.ts';
import { limits } from '../../protocol/limits.ts';
import { RemoteKind, type RemoteEntrySchema } from '../../protocol/messages/gen/remote-file_pb.js';
import { FileFailure } from './file-failure.ts';
import type { FilePlace } from './file-place.ts';
import type { FileStream } from './file-stream.ts';
import { kindOf, type FileAttributes, type NamedFile } from './sftp-packets.ts';

type Entry = MessageInitShape<typeof RemoteEntrySchema>;
type Ask<Kind extends RemoteFileAsk['kind']> = Extract<RemoteFileAsk, { kind: Kind }>;

const permissions = 0o7777;
/** Entries of one message: names of 1 KiB would make 128 KiB. */
const pageLength = 128;
/** Answers with nothing but "." and "..": a folder has each once, and a machine that goes on so never comes to an end. */
const mostIdleAnswers = 16;

/** Gives a folder page by page, each when the one before was taken. */
export async function listFolder(place: FilePlace, stream: FileStream, { path }: Ask<'list'>): Promise<void> {
  const { sftp, root } = place;
  const folder = await root.real(path ?? (await root.home()));
  if (kindOf(await sftp.stat(folder)) !== 'folder') throw new FileFailure('not-a-folder');
  const handle = await sftp.openFolder(folder);
  try {
    await stream.answer({ answer: { case: 'page', value: { path: root.shown(folder) } } });
    await givePages(place, stream, folder, handle);
  } finally {
    sftp.closeHandle(handle).catch(ignore);
  }
}

const ignore = () => {}; // read to its end already, or the connection is gone

async function givePages(
  place: FilePlace,
  stream: FileStream,
  folder: Buffer,
  handle: Buffer,
): Promise<void> {
  let [given, idle] = [0, 0];
  for (;;) {
    const files = await stream.whileHere(place.sftp.readFolder(handle));
    if (files === null) return;
    const named = files.filter(({ name }) => !isDots(name));
    if (named.length === 0 && ++idle > mostIdleAnswers) throw new FileFailure('sftp-broken');
    const room = named.slice(0, limits.remoteFiles.entries - given);
    for (let at = 0; at < room.length; at += pageLength) {
      const part = room.slice(at, at + pageLength);
      const entries = await Promise.all(part.map((file) => entryOf(place, folder, file)));
      await stream.answer({ answer: { case: 'page', value: { entries } } });
    }
    given += room.length;
    if (room.length === named.length) continue;
    return await stream.answer({ answer: { case: 'page', value: { truncated: true } } });
  }
}

function isDots(name: Buffer): boolean {
  return name.equals(Buffer.from('.')) || name.equals(Buffer.from('..'));
}

async function entryOf(place: FilePlace, folder: Buffer, file: NamedFile): Promise<Entry> {
  const { name } = file;
  const odd = name.length === 0 || name.length > limits.remoteFiles.listedName;
  if (odd || name.includes(0) || name.includes(0x2f)) throw new FileFailure('sftp-broken');
  const link = kindOf(file) === 'link';
  const seen = link ? await followed(place, Buffer.from(joinRemotePath(folder, name))) : file;
  return { name, link, ...described(seen ?? { size: 0, modified: file.modified, mode: 0 }) };
}

/** What a link leads to, as far as the page may go there. */
async function followed({ sftp, root }: FilePlace, path: Buffer): Promise<FileAttributes | null> {
  try {
    return await sftp.stat(root.confine(await sftp.realPath(path)));
  } catch (error) {
    if (error instanceof FileFailure && sftp.usable) return null;
    throw error;
  }
}

function described({ size, modified, mode }: FileAttributes) {
  const kind = { file: RemoteKind.FILE, folder: RemoteKind.FOLDER, link: 0, other: 0 }[kindOf({ mode })];
  return { kind, size: BigInt(size), modified: BigInt(modified), mode: mode & permissions };
}

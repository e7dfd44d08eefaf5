import type { RemoteFileAsk } from '../../protocol/channel/remote-files.ts';
import { FileFailure } from './file-failure.ts';
import type { FileHost } from './file-host.ts';
import type { FilePlace } from './file-place.ts';
import type { FileStream } from './file-stream.ts';
import { kindOf, packetData } from './sftp-packets.ts';

/** Requests on their way: 1 MiB, which fills 10 ms at 100 MB/s. It is also all that is held of a file. */
const ahead = 32;
/** Files that the system makes while they are read say that they are empty: so much of one is looked for. */
const mostMade = 1024 * 1024;

/** Sends a file from the offset on, as long as it is when it is opened. Returns the bytes sent. */
export async function download(
  { sftp, root }: FilePlace,
  stream: FileStream,
  { path, offset }: Extract<RemoteFileAsk, { kind: 'read' }>,
): Promise<number> {
  const real = await root.real(path);
  // Before it is opened: opening a pipe would wait for somebody who writes.
  if (kindOf(await sftp.stat(real)) !== 'file') throw new FileFailure('not-a-file');
  const handle = await sftp.openToRead(real);
  try {
    const { size, modified } = await sftp.handleStat(handle);
    if (offset > size) throw new FileFailure('file-changed');
    const made = size === 0 ? await readMade(sftp, handle) : null;
    const opened = { size: BigInt(made?.length ?? size), modified: BigInt(modified) };
    await stream.answer({ answer: { case: 'opened', value: opened } });
    if (made !== null) {
      if (made.length > 0) await stream.write(made);
      return made.length;
    }
    for (const part of readAhead(sftp, handle, offset, size))
      await stream.write(await stream.whileHere(part));
    return size - offset;
  } finally {
    sftp.closeHandle(handle).catch(() => {}); // the connection is gone, and the handle with it
  }
}

/** The parts in order; with each that is taken, one more is on its way. */
function* readAhead(sftp: FileHost, handle: Buffer, from: number, to: number) {
  const asked: Promise<Buffer>[] = [];
  let next = from;
  const ask = () => {
    if (next === to) return;
    const length = Math.min(packetData, to - next);
    const part = readWhole(sftp, handle, next, length);
    part.catch(() => {}); // told to whoever takes it
    asked.push(part);
    next += length;
  };
  for (let i = 0; i < ahead; i++) ask();
  for (let part = asked.shift(); part !== undefined; part = asked.shift()) {
    yield part;
    ask();
  }
}

/** A server may give less than was asked for at any time. */
async function readWhole(sftp: FileHost, handle: Buffer, from: number, length: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let at = from; at < from + length;) {
    const part = await sftp.read(handle, at, from + length - at);
    if (part === null) throw new FileFailure('file-changed'); // shorter than it said
    parts.push(part);
    at += part.length;
  }
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
}

async function readMade(sftp: FileHost, handle: Buffer): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let at = 0; at < mostMade;) {
    const part = await sftp.read(handle, at, packetData);
    if (part === null) break;
    parts.push(part);
    at += part.length;
  }
  return Buffer.concat(parts);
}

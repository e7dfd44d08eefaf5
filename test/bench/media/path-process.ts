// Child of `bench media`, so that what it costs is on nobody else's event loop: paths between two ports of this machine
// with delay, rate and a queue that drops at its end. UDP for WebRTC, and TCP with the same for what it is held against.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Socket as TcpSocket } from 'node:net';
import { constants, setPriority } from 'node:os';
import { Line, type PathShape } from './line.ts';

/** What the parent asks, one at a time. */
export type PathRequest =
  | { readonly kind: 'udp' | 'tcp'; readonly port: number; readonly shape: PathShape }
  | { readonly kind: 'close' };
/** `port`: where the path begins; for `close` that of nothing, and what became of the packets. */
export interface PathReply extends PathToll {
  readonly port: number;
}
/** What a path did to packets beyond its shape: how many its queue dropped, and how late this process was at p99. */
export interface PathToll {
  readonly dropped: number;
  readonly lateMs: number;
}

const loopback = '127.0.0.1';
/** The most that the kernel gives without being told otherwise; a burst of a fast path needs it. */
const socketBuffer = 4 * 2 ** 20;
/** What a TCP receiver grants where no rate bounds it: the usual largest window of Linux (tcp_rmem, 6 MiB), of which half is on each way. */
const unlimitedWindow = 3 * 2 ** 20;

interface OpenPath {
  readonly port: number;
  readonly lines: readonly Line[];
  close(): void;
}

let open: OpenPath | null = null;

// A path that waits for a processor would be one that stands still and then sends all at once, which no path does.
try {
  setPriority(constants.priority.PRIORITY_HIGHEST);
} catch {
  // Only root may; without it the figures are of a busier machine.
}
process.on('message', (request: PathRequest) => void answer(request));
process.on('disconnect', () => process.exit(0));

async function answer(request: PathRequest): Promise<void> {
  if (request.kind === 'close') {
    const lines = open?.lines ?? [];
    open?.close();
    open = null;
    const dropped = lines.reduce((sum, line) => sum + line.dropped, 0);
    return reply({ port: 0, dropped, lateMs: Math.max(0, ...lines.map(latenessOf)) });
  }
  open = await (request.kind === 'udp' ? openUdp : openTcp)(request.port, request.shape);
  reply({ port: open.port, dropped: 0, lateMs: 0 });
}

/** Whole milliseconds, at p99 of its packets. */
function latenessOf({ late }: Line): number {
  let left = late.reduce((sum, count) => sum + count, 0) / 100;
  return late.findLastIndex((count) => (left -= count) < 0);
}

function reply(message: PathReply): void {
  process.send?.(message);
}

/** Between whoever speaks to its port, one at a time, and `target`. */
async function openUdp(target: number, shape: PathShape): Promise<OpenPath> {
  const [front, back] = [await openSocket(), await openSocket()];
  const [up, down] = [new Line(shape), new Line(shape)];
  let near = 0;
  let closed = false;
  front.on('message', (bytes, from) => {
    near = from.port;
    up.send(bytes.length, () => closed || back.send(bytes, target, loopback));
  });
  back.on('message', (bytes) => {
    down.send(bytes.length, () => closed || front.send(bytes, near, loopback));
  });
  return {
    port: front.address().port,
    lines: [up, down],
    close() {
      closed = true;
      for (const end of [up, down, front, back]) end.close();
    },
  };
}

async function openSocket(): Promise<Socket> {
  const socket = createSocket({
    ...{ type: 'udp4', recvBufferSize: socketBuffer, sendBufferSize: socketBuffer },
    // An address needs no resolver, which would cost each packet a turn of the event loop.
    lookup: (host, _, found) => found(null, host, 4),
  });
  const listening = once(socket, 'listening'); // which comes at once, without a resolver
  socket.bind(0, loopback);
  await listening;
  return socket;
}

/** TCP at its best on such a path: no slow start and no loss, because each side's window is what path and queue hold. */
async function openTcp(target: number, shape: PathShape): Promise<OpenPath> {
  const lines: Line[] = [];
  const sockets: TcpSocket[] = [];
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ port: target, host: loopback, noDelay: true });
    sockets.push(near, far);
    lines.push(forward(near, far, shape), forward(far, near, shape));
  });
  server.listen(0, loopback);
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    lines,
    close() {
      for (const end of lines) end.close();
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

function forward(from: TcpSocket, to: TcpSocket, shape: PathShape): Line {
  const line = new Line({ ...shape, queue: Infinity });
  const { rate, roundTripMs, queue } = shape;
  const window = rate === null ? unlimitedWindow : (rate * roundTripMs) / 2 + queue;
  const look = () => (line.held + to.writableLength > window ? from.pause() : from.resume());
  from.on('data', (bytes) => {
    line.send(bytes.length, () => to.destroyed || to.write(bytes, look));
    look();
  });
  from.on('error', () => to.destroy());
  from.on('close', () => to.destroy());
  return line;
}

import { concat, copy, type Bytes } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { HttpAnswer, Socket, SocketEvents, Transport } from '../engine/environment.ts';

/** fetch and WebSocket as workers and Node both have them. */
export const webTransport: Transport = { request, openSocket };

async function request(url: URL, body: Bytes | null, signal: AbortSignal): Promise<HttpAnswer> {
  const response = await fetch(url, {
    method: body === null ? 'GET' : 'POST',
    body,
    signal,
    cache: 'no-store',
    credentials: 'same-origin', // the router's sticky cookie; it holds no secret
    redirect: 'error',
    referrerPolicy: 'no-referrer',
    headers: body === null ? {} : { 'content-type': 'application/octet-stream' },
  });
  return { status: response.status, body: await readBody(response) };
}

/** Reads no more than an answer may have, whatever the server sends. */
async function readBody(response: Response): Promise<Bytes> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
    length += part.value.length;
    if (length > limits.apiBody) {
      await reader?.cancel();
      throw new ProtocolError('too-large');
    }
    parts.push(part.value);
  }
  return concat(...parts);
}

function openSocket(url: URL, events: SocketEvents): Socket {
  const address = new URL(url);
  address.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = new WebSocket(address);
  socket.binaryType = 'arraybuffer';
  socket.addEventListener('open', () => events.opened());
  socket.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (data instanceof ArrayBuffer) events.received(copy(new Uint8Array(data)));
    else socket.close(); // text has no place on a link
  });
  // A failed socket fires error and then close; close alone says all.
  socket.addEventListener('close', () => events.closed(), { once: true });
  return {
    get waiting() {
      return socket.bufferedAmount;
    },
    send: (frame) => socket.send(frame),
    close: () => socket.close(),
  };
}

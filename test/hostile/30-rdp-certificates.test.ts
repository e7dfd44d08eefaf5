// Class 30: somebody between the gateway and an RDP machine, after the gateway has seen the machine's certificate.
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { CertificateGuard } from '../../gateway/targets/certificate-guard.ts';
import { describeCertificate } from '../../gateway/targets/rdp-certificate.ts';
import { Relay } from '../../gateway/targets/relay.ts';
import type { SessionFailure } from '../../gateway/terminal/failure.ts';
import { makeCertificate } from '../fixtures/certificate.ts';

/** X.224 Connection Confirm that selects TLS, and one that selects RDP's own encryption. */
const selectsTls = Buffer.from([3, 0, 0, 19, 14, 0xd0, 0, 0, 0, 0, 0, 2, 0, 8, 0, 1, 0, 0, 0]);
const selectsRdp = Buffer.from([3, 0, 0, 19, 14, 0xd0, 0, 0, 0, 0, 0, 2, 0, 8, 0, 0, 0, 0, 0]);
const selectsTlsLength = selectsTls.length;

let folder: string;
let machine: Identity;
let other: Identity;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-rdp-'));
  [machine, other] = [identity('machine'), identity('other')];
});
afterAll(() => rmSync(folder, { recursive: true }));
const closing: (() => unknown)[] = [];
afterEach(() => {
  for (const close of closing.splice(0).reverse()) close();
});

interface Identity {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** As it is pinned. */
  readonly pin: string;
}

function identity(name: string): Identity {
  const { certificate, key } = makeCertificate(join(folder, name));
  const cert = readFileSync(certificate);
  const { raw } = new X509Certificate(cert);
  return { cert, key: readFileSync(key), pin: describeCertificate(raw).key };
}

/** A target that answers the knock so, and then speaks. */
async function targetOf(serve: (socket: net.Socket) => void, confirm = selectsTls): Promise<net.Socket> {
  const server = net.createServer((socket) => {
    closing.push(() => socket.destroy());
    socket.on('error', () => {});
    socket.once('data', () => {
      socket.write(confirm);
      serve(socket);
    });
  });
  server.listen(0, '127.0.0.1');
  closing.push(() => server.close());
  await once(server, 'listening');
  const socket = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

const speakTls =
  ({ cert, key }: Identity, maxVersion: tls.SecureVersion = 'TLSv1.2') =>
  (socket: net.Socket): void => {
    const secure = new tls.TLSSocket(socket, { isServer: true, cert, key, maxVersion });
    secure.on('error', () => {});
    secure.on('data', (bytes: Buffer) => secure.write(bytes));
  };

interface Call {
  /** Of guacd's part. */
  readonly socket: net.Socket;
  readonly failure: () => SessionFailure | null;
  readonly ended: Promise<unknown>;
}

/** Somebody who knocks as guacd does, through a relay that is to meet the machine. */
async function call(target: net.Socket): Promise<Call> {
  let failure: SessionFailure | null = null;
  const guard = new CertificateGuard(machine.pin, (why) => {
    failure = why;
    relay.close();
  });
  const relay: Relay = await Relay.open({ target, guard, signal: new AbortController().signal });
  closing.push(() => relay.close());
  const socket = net.connect(relay.port, '127.0.0.1');
  closing.push(() => socket.destroy());
  socket.on('error', () => {});
  const ended = once(socket, 'close');
  socket.write('knock');
  return { socket, failure: () => failure, ended };
}

/** What guacd gets beside the answer to its knock. */
async function refusalOf(target: net.Socket): Promise<{ readonly heard: number; readonly code?: string }> {
  const { socket, failure, ended } = await call(target);
  let heard = 0;
  socket.on('data', ({ length }: Buffer) => (heard += length));
  socket.once('data', () => {
    const secure = tls.connect({ socket, rejectUnauthorized: false });
    secure.on('error', () => {});
  });
  await ended;
  const code = failure()?.code;
  return { heard: Math.max(0, heard - selectsTlsLength), ...(code !== undefined && { code }) };
}

async function answerTo(socket: net.Socket, text: string): Promise<string> {
  await once(socket, 'data');
  const secure = tls.connect({ socket, rejectUnauthorized: false });
  secure.on('error', () => {});
  secure.write(text);
  const [bytes] = (await once(secure, 'data')) as [Buffer];
  return bytes.toString();
}

describe('a connection of guacd’s to a machine whose certificate is pinned', () => {
  test('comes about with the machine', async () => {
    const { socket, failure } = await call(await targetOf(speakTls(machine)));
    expect(await answerTo(socket, 'credential')).toBe('credential');
    expect(failure()).toBeNull();
  });

  test('with another certificate guacd hears nothing of it', async () => {
    const end = await refusalOf(await targetOf(speakTls(other)));
    expect(end).toEqual({ heard: 0, code: 'host-key-mismatch' });
  });

  test('nor where nobody can see the certificate, as in TLS 1.3', async () => {
    const end = await refusalOf(await targetOf(speakTls(machine, 'TLSv1.3')));
    expect(end).toEqual({ heard: 0, code: 'security-refused' });
  });

  test('nor without TLS', async () => {
    const end = await refusalOf(await targetOf(() => {}, selectsRdp));
    expect(end).toEqual({ heard: 0, code: 'security-refused' });
  });

  test.each([
    ['without a certificate', handshake(serverHello(), [14, Buffer.alloc(0)])],
    ['that goes on at once', handshake(serverHello(), [20, Buffer.alloc(12)])],
    ['with an empty list of certificates', handshake(serverHello(), [11, Buffer.alloc(3)])],
    ['that is no handshake', Buffer.concat([Buffer.from([23, 3, 3, 0, 2]), Buffer.alloc(2)])],
    ['in an older version', handshake(serverHello(0x0301))],
    ['with a record beyond all length', Buffer.from([22, 3, 3, 0xff, 0xff, 0])],
    ['that never comes to its certificate', handshake([2, Buffer.alloc(200_000)])],
    ['of nothing but beginnings', Buffer.alloc(60_000, Buffer.from([22, 3, 3, 0, 1, 2]))],
  ])('nor a handshake %s', async (_, bytes) => {
    const end = await refusalOf(await targetOf((socket) => void socket.write(bytes)));
    expect(end).toEqual({ heard: 0, code: 'security-refused' });
  });

  test('who shows the machine’s certificate without its key comes no further', async () => {
    const target = await targetOf((socket) => {
      const inner = net
        .createServer((plain) => speakTls(machine)(plain))
        .listen(0, '127.0.0.1', () => {
          const real = net.connect((inner.address() as AddressInfo).port, '127.0.0.1');
          real.on('error', () => {});
          closing.push(() => (real.destroy(), inner.close()));
          real.once('data', (flight: Buffer) => {
            const forged = Buffer.from(flight);
            const at = forged.length - 20; // in the signature over the key exchange
            forged[at] = (forged[at] ?? 0) ^ 1;
            socket.write(forged);
            real.on('data', (bytes) => socket.write(bytes));
          });
          socket.pipe(real);
        });
    });
    const { socket } = await call(target);
    await expect(answerTo(socket, 'credential')).rejects.toThrow();
  });

  test('however the network cuts it, it is the same', () => {
    const failures: string[] = [];
    const guard = new CertificateGuard(machine.pin, ({ code }) => failures.push(code));
    const der = Buffer.from(machine.pin.split(' ')[1] ?? '', 'base64');
    const entry = Buffer.concat([lengthOf(der.length + 3), lengthOf(der.length), der]);
    const said = Buffer.concat([selectsTls, handshake(serverHello(), [11, entry], [14, Buffer.alloc(0)])]);
    const heard = [...said].map((byte) => Buffer.from(guard.rewrite(Uint8Array.of(byte))));
    const seen = selectsTls.length + serverHello()[1].length + 4 + entry.length + 4 + 10 - 1;
    expect(Buffer.concat(heard.slice(0, seen)).equals(selectsTls)).toBe(true);
    expect(Buffer.concat(heard).equals(said)).toBe(true);
    expect(failures).toEqual([]);
  });
});

type Message = readonly [type: number, body: Buffer];

function serverHello(version = 0x0303): Message {
  const body = Buffer.alloc(38);
  body.writeUInt16BE(version, 0);
  return [2, body];
}

/** One record a message, more where it is too long for one. */
function handshake(...messages: readonly Message[]): Buffer {
  return Buffer.concat(
    messages.flatMap(([type, body]) => {
      const message = Buffer.concat([Buffer.from([type]), lengthOf(body.length), body]);
      const parts: Buffer[] = [];
      for (let at = 0; at < message.length; at += 16_384) parts.push(message.subarray(at, at + 16_384));
      return parts.flatMap((part) => [Buffer.from([22, 3, 3, part.length >> 8, part.length & 255]), part]);
    }),
  );
}

function lengthOf(length: number): Buffer {
  return Buffer.from([length >> 16, (length >> 8) & 255, length & 255]);
}

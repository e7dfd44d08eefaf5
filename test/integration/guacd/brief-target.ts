import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import ssh2 from 'ssh2';

/** Says it over telnet, without any of telnet's own words, and closes. */
export async function startBriefTelnet(words: Buffer): Promise<BriefTarget> {
  const sockets = new Set<net.Socket>();
  const listener = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.resume();
    socket.end(words);
  });
  return listening(listener, sockets);
}

export interface BriefTarget {
  readonly port: number;
  stop(): void;
}

/** As routers and switches are: its shell says its words, ends with status 0, and the connection ends with it. */
export async function startBriefTarget(words: Buffer): Promise<BriefTarget> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const hostKeys = [privateKey.export({ type: 'sec1', format: 'pem' }).toString()];
  const sockets = new Set<net.Socket>();
  const listener = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    const server = new ssh2.Server({ hostKeys });
    server.on('connection', (client) => {
      client.on('error', () => {});
      client.on('authentication', (context) => context.accept());
      client.on('session', (accept) => {
        const session = accept();
        session.on('pty', (take) => take?.());
        session.on('shell', (take) => {
          const shell = take();
          shell.write(words, () => {
            shell.exit(0);
            shell.end();
            client.end();
          });
        });
      });
    });
    server.injectSocket(socket);
  });
  return listening(listener, sockets);
}

async function listening(listener: net.Server, sockets: ReadonlySet<net.Socket>): Promise<BriefTarget> {
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const stop = (): void => {
    listener.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port: (listener.address() as net.AddressInfo).port, stop };
}

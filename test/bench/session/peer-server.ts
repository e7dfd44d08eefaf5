// Child of `bench session`: guacamole-lite, unmodified, between a page and guacd. Arguments: guacd's host and port,
// the key, and the address to listen at.
import { createRequire } from 'node:module';

interface LiteServer {
  readonly webSocketServer: {
    address(): { readonly port: number } | null;
    on(event: 'listening', run: () => void): void;
  };
}
type LiteClass = new (web: object, guacd: object, client: object) => LiteServer;

const Lite = createRequire(import.meta.url)('guacamole-lite') as LiteClass;
const [host, port, key, address] = process.argv.slice(2);

const server = new Lite(
  { host: address, port: 0 },
  { host, port: Number(port) },
  { crypt: { cypher: 'AES-256-CBC', key }, log: { level: 0, stdLog: () => {}, errorLog: () => {} } },
);
server.webSocketServer.on('listening', () => process.send?.(server.webSocketServer.address()?.port));
process.on('disconnect', () => process.exit(0));

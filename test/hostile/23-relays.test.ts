// Attack class 23: relays. Who names them, and who runs them, learns and forges nothing: the two ends know each other by
// fingerprints that came sealed.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Logger } from '../../gateway/log/logger.ts';
import { parseOffer } from '../../gateway/media/offer.ts';
import { Peers } from '../../gateway/media/peers.ts';
import { parseIceUrl, readIceServers } from '../../protocol/channel/ice-servers.ts';
import { utf8 } from '../../protocol/bytes.ts';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { IceServersResultSchema, type IceServersSchema } from '../../protocol/messages/gen/link_pb.js';
import { newUid } from '../../protocol/uid.ts';
import { allocate } from '../../scripts/diagnose/turn-allocation.ts';
import { RelayCredentials } from '../../server/relay/relay-credentials.ts';
import { IceServersDesk } from '../../workers/engine/sessions/ice-servers-desk.ts';
import type { VaultLink } from '../../workers/engine/connection/vault-link.ts';
import { Installation } from '../fakes/installation.ts';
import { FakePage } from '../fakes/page.ts';
import { deadCandidate, RelayedPath } from '../fakes/relayed-path.ts';
import { startCoturn, type Coturn } from '../fixtures/coturn.ts';

type List = MessageInitShape<typeof IceServersSchema>;
const login = { username: '1:a', credential: 'b' };
const absurd: readonly (readonly [string, List])[] = [
  ['a hundred relays', { urls: Array.from({ length: 100 }, (_, n) => `turn:r${n}.example`), ...login }],
  ['another scheme', { urls: ['javascript:alert(1)'], ...login }],
  ['a web address', { urls: ['https://relay.example/turn'], ...login }],
  ['a huge address', { urls: [`turn:${'a'.repeat(20_000)}.example`], ...login }],
  ['a huge password', { urls: ['turn:relay.example'], username: '1:a', credential: 'b'.repeat(20_000) }],
  ['one good and one bad', { urls: ['turn:relay.example', 'turn:relay.example:99999'], ...login }],
];

describe('a router that names absurd relays', () => {
  test.each(absurd)('%s: the gateway refuses the session and says why', async (_, list) => {
    const made = await Installation.make({ host: '127.0.0.1', port: 9, username: 'ada', password: 'unused' });
    const page = new FakePage();
    try {
      await made.start({});
      const { command } = await made.prepare(page);
      const { outcome } = await made.router.relay(command, list);
      expect(outcome.value).toMatchObject({ code: 'relays-refused' });
      expect(made.gateway?.sessions.size).toBe(0);
    } finally {
      page.close();
      await made.stop();
    }
  });

  test.each(absurd)('%s: the vault gives the page none of it', async (_, list) => {
    const sent = Promise.withResolvers<number>();
    const connection = {
      send: ({ value }: { value: { requestId: number } }) => sent.resolve(value.requestId),
    };
    const link = { connection: async () => connection } as unknown as VaultLink;
    const desk = new IceServersDesk(link, { now: Date.now, schedule: () => () => undefined });
    const answer = desk.ask();
    const outcome = { case: 'servers', value: list } as const;
    desk.settle(create(IceServersResultSchema, { requestId: await sent.promise, outcome }));
    await expect(answer).rejects.toMatchObject({ code: expect.stringMatching(/^(malformed|too-large)$/) });
  });
});

describe('a relay', () => {
  let coturn: Coturn;
  beforeAll(async () => void (coturn = await startCoturn()));
  afterAll(() => coturn.stop());

  const issue = (lifetimeSeconds: number) =>
    new RelayCredentials({ urls: coturn.urls, secret: coturn.secret, lifetimeSeconds }).issue();
  const udp = () => parseIceUrl(coturn.urls[0] ?? '');

  test('takes credentials while they last, and not afterwards', async () => {
    await (await allocate(udp(), issue(60))).close();
    await expect(allocate(udp(), issue(-5))).rejects.toMatchObject({ code: 401 });
  });

  test('takes no name whose end was moved, and nothing that was made without its secret', async () => {
    const { username, credential } = issue(-5);
    const later = { username: username.replace(/^\d+/, '4000000000'), credential };
    await expect(allocate(udp(), later)).rejects.toMatchObject({ code: 401 });
    const foreign = { urls: coturn.urls, secret: 'somebody else’s secret', lifetimeSeconds: 600 };
    const made = new RelayCredentials(foreign).issue();
    await expect(allocate(udp(), made)).rejects.toMatchObject({ code: 401 });
  });

  describe('that is run by a stranger', () => {
    let stranger: Eavesdropper;
    let path: RelayedPath;
    const peers = new Peers(new Logger('silent', () => undefined));
    const pages: FakePage[] = [];
    afterEach(() => {
      for (const page of pages.splice(0)) page.close();
      peers.close();
      stranger.close();
      path.close();
    });

    test('carries a session and sees nothing of it', async () => {
      stranger = await Eavesdropper.before(coturn);
      path = await RelayedPath.open();
      const page = new FakePage({ reach: path.reach });
      pages.push(page);
      const { username, credential } = issue(600);
      const uid = newUid();
      const { peer, answer } = await peers.open({
        ...{ uid, accountUid: newUid(), offer: parseOffer(await page.offer()) },
        media: { bindAddress: '127.0.0.1', port: null },
        iceServers: readIceServers({ urls: [stranger.url], username, credential }),
        onStream: (_, stream) => {
          stream.onData = (bytes) => {
            stream.consumed(bytes.length);
            stream.write(bytes);
          };
        },
        onCandidate: (candidate) => page.addCandidate(candidate),
      });
      peer.addCandidate(deadCandidate, '0');
      page.accept(answer);
      await page.opened;
      const echoed = Promise.withResolvers<string>();
      const stream = page.openStream(new Uint8Array(16));
      let heard = '';
      stream.onData = (bytes) => {
        heard += Buffer.from(bytes).toString();
        stream.consumed(bytes.length);
        if (heard.length >= secret.length) echoed.resolve(heard);
      };
      stream.write(utf8(secret));
      expect(await echoed.promise).toBe(secret);
      expect(stranger.bytes).toBeGreaterThan(2 * secret.length);
      expect(stranger.saw(secret.slice(0, 16))).toBe(false);
      expect(stranger.saw('sallyport')).toBe(false); // not even the channel's name
    });
  });
});

const secret = 'the root password is hunter2! '.repeat(40);

/** Stands in a relay's place, hands everything on and keeps it. */
class Eavesdropper {
  readonly url: string;
  readonly #heard: Buffer[] = [];
  readonly #front: Socket;
  readonly #back: Socket;

  private constructor(front: Socket, back: Socket, port: number) {
    this.#front = front;
    this.#back = back;
    this.url = `turn:127.0.0.1:${front.address().port}?transport=udp`;
    let caller = 0;
    front.on('message', (bytes, from) => {
      caller = from.port;
      this.#heard.push(bytes);
      back.send(bytes, port, '127.0.0.1');
    });
    back.on('message', (bytes) => {
      this.#heard.push(bytes);
      front.send(bytes, caller, '127.0.0.1');
    });
  }

  static async before({ port }: Coturn): Promise<Eavesdropper> {
    const [front, back] = [createSocket('udp4'), createSocket('udp4')];
    for (const socket of [front, back]) {
      socket.bind(0, '127.0.0.1');
      await once(socket, 'listening');
    }
    return new Eavesdropper(front, back, port);
  }

  get bytes(): number {
    return this.#heard.reduce((sum, { length }) => sum + length, 0);
  }

  saw(text: string): boolean {
    return Buffer.concat(this.#heard).includes(text);
  }

  close(): void {
    this.#front.close();
    this.#back.close();
  }
}

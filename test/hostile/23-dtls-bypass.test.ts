// Attack class 23: a peer connection whose other end is nobody's: no fingerprint, several to choose from, a weaker hash.
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Installation } from '../fakes/installation.ts';
import { FakePage } from '../fakes/page.ts';

let made: Installation;
/** In the place of guacd and target: takes connections and says nothing. */
let silent: Server;
const pages: FakePage[] = [];

beforeEach(async () => {
  silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  made = await Installation.make({ host: '127.0.0.1', port, username: 'ada', password: 'unused' });
  await made.start({ GUACD_PORT: String(port) });
});
afterEach(async () => {
  for (const page of pages.splice(0)) page.close();
  await made.stop();
  silent.close();
});

const line = /a=fingerprint:sha-256 [0-9A-F:]+\r?\n/;
const other = `a=fingerprint:sha-256 ${Array.from({ length: 32 }, () => 'AB').join(':')}\r\n`;
const sha1 = `a=fingerprint:sha-1 ${Array.from({ length: 20 }, () => 'AB').join(':')}\r\n`;

/** What becomes of an offer that a member seals and signs as it stands. */
async function fateOf(change: (offer: string) => string) {
  const page = new FakePage();
  pages.push(page);
  const offer = await page.offer();
  expect(offer).toMatch(line);
  const { command } = await made.prepare(page, { offer: change(offer) });
  return (await made.router.relay(command)).outcome.value;
}

test.each([
  ['without a fingerprint', (offer: string) => offer.replace(line, '')],
  ['with two to choose from', (offer: string) => offer.replace(line, (own) => own + other)],
  [
    'with the own one twice, once by a weaker hash',
    (offer: string) => offer.replace(line, (own) => own + sha1),
  ],
  ['by a weaker hash alone', (offer: string) => offer.replace(line, sha1)],
  ['with half a fingerprint', (offer: string) => offer.replace(line, 'a=fingerprint:sha-256 AB:CD\r\n')],
])('an offer %s gets no peer connection', async (_, change) => {
  expect(await fateOf(change)).toMatchObject({ code: 'offer-unreadable' });
  expect(made.gateway?.sessions.size).toBe(0);
});

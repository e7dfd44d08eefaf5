// Attack classes 22 and 23: somebody else brings a session a connection of their own.
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { generateEcdhKeyPair } from '../../protocol/crypto/ecdh.ts';
import { signerOf } from '../../protocol/crypto/ecdsa.ts';
import type { SignedCommand } from '../../protocol/messages/gen/command_pb.js';
import type { NewResumeOrder } from '../../protocol/session/session-resume.ts';
import { newUid } from '../../protocol/uid.ts';
import { Installation } from '../fakes/installation.ts';
import { newPerson } from '../fakes/organisation.ts';
import { FakePage } from '../fakes/page.ts';
import type { VaultSession } from '../fakes/session-signals.ts';

let made: Installation;
/** In the place of guacd and target: takes connections and says nothing, so that sessions stay where they are. */
let silent: Server;
let pages: FakePage[];
const newPage = () => {
  const page = new FakePage({ comesBack: true });
  pages.push(page);
  return page;
};

beforeEach(async () => {
  pages = [];
  silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  made = await Installation.make({ host: '127.0.0.1', port, username: 'ada', password: 'unused' });
  await made.start({ GUACD_PORT: String(port) });
});
afterEach(async () => {
  for (const page of pages) page.close();
  await made.stop();
  silent.close();
});

/** A session with its stream, and what a page that lost it would offer. */
async function running() {
  const page = newPage();
  const { session, reply } = await made.connect(page);
  await page.opened;
  page.openStream(reply.streamToken);
  const order: NewResumeOrder = { peerUid: page.peerUid, offer: await newPage().offer(), attempt: 1 };
  return { page, session, order };
}

async function refusalOf(command: SignedCommand): Promise<string> {
  const { outcome } = await made.router.relay(command);
  return outcome.case === 'refused' ? outcome.value.code : String(outcome.case);
}

test('a member of the organisation cannot take up another’s session, whatever of it they know', async () => {
  const other = newPerson();
  made.router.roster = await made.organisation.roster(2n, [made.person, other]);
  made.router.send({ case: 'roster', value: made.router.roster });
  const { session, order } = await running();
  expect(await refusalOf(await made.prepareResume(session, order, { person: other }))).toBe('not-found');
});

test('nor can another device of the same account: the key of the session is not on it', async () => {
  const { session, order } = await running();
  const resumeKey = signerOf(generateEcdhKeyPair().privateKey);
  expect(await refusalOf(await made.prepareResume({ ...session, resumeKey }, order))).toBe('bad-signature');
});

test('a session is not brought onto another’s connection, nor by another’s keys, nor under another record', async () => {
  const [first, second] = [await running(), await running()];
  const { keys, resumeKey } = second.session;
  const mixed = (session: Pick<VaultSession, 'sessionUid' | 'keys' | 'resumeKey'>, order: NewResumeOrder) =>
    made.prepareResume(session, order).then(refusalOf);
  expect(await mixed({ ...first.session, keys }, first.order)).toBe('offer-unreadable');
  expect(await mixed({ ...first.session, resumeKey }, first.order)).toBe('bad-signature');
  expect(await mixed(first.session, second.order)).toBe('peer-gone');
  const elsewhere = await made.prepareResume(first.session, first.order, { recordUid: newUid() });
  expect(await refusalOf(elsewhere)).toBe('not-found');
});

test('a command that is sent again, or comes after a later one, does nothing', async () => {
  const { session, order } = await running();
  const late = await made.prepareResume(session, order);
  const command = await made.prepareResume(session, { ...order, attempt: 2 });
  expect(await refusalOf(command)).toBe('sealed');
  expect(await refusalOf(command)).toBe('replayed');
  expect(await refusalOf(late)).toBe('replayed');
});

test('an offer that nobody brings up takes nothing from the page that is there', async () => {
  const { page, session, order } = await running();
  expect(await refusalOf(await made.prepareResume(session, order))).toBe('sealed');
  const heard = new Promise<string>((resolve) => void page.lost.then(resolve));
  const answered = expect.poll(() => page.streams.roundTripMs).not.toBeNull();
  await answered;
  expect(await Promise.race([heard, Promise.resolve('there')])).toBe('there');
  expect(made.gateway?.sessions.find(session.sessionUid)?.pageAway).toBe(false);
});

test('an offer with two certificates is refused, as at the beginning', async () => {
  const { session, order } = await running();
  const line = /a=fingerprint:.*/.exec(order.offer)?.[0] ?? '';
  const offer = order.offer.replace(line, `${line}\r\n${line}`);
  expect(await refusalOf(await made.prepareResume(session, { ...order, offer }))).toBe('offer-unreadable');
});

// Attack class 22: the router puts a certificate of its own between page and gateway.
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { copy } from '../../protocol/bytes.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { CommandReplySchema, SignedCommandSchema } from '../../protocol/messages/gen/command_pb.js';
import { SessionKeys } from '../../protocol/session/session-keys.ts';
import { uidBytes } from '../../protocol/uid.ts';
import { Installation } from '../fakes/installation.ts';
import { commandOf, newPerson } from '../fakes/organisation.ts';
import { FakePage } from '../fakes/page.ts';

let made: Installation;
/** In the place of guacd and target: takes connections and says nothing, so that sessions stay where they are. */
let silent: Server;
const pages: FakePage[] = [];
const newPage = (...options: ConstructorParameters<typeof FakePage>) => {
  const page = new FakePage(...options);
  pages.push(page);
  return page;
};

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

const fingerprintOf = (sdp: string) => /a=fingerprint:sha-256 ([0-9A-F:]+)/.exec(sdp)?.[1] ?? '';
const member = (name: string, sdp: string) => new RegExp(`a=${name}:(\\S+)`).exec(sdp)?.[1] ?? '';

describe('a router that swaps the certificate', () => {
  test('cannot find fingerprints in what it relays', async () => {
    const page = newPage();
    const offer = await page.offer();
    const { command, keys } = await made.prepare(page);
    const reply = await made.router.relay(command);
    if (reply.outcome.case !== 'sealed') throw new Error('refused');
    const answer = (await made.openReply({ command, keys } as never, reply)).answer;
    const relayed = [command.command, command.sealedPayload, reply.outcome.value].map((bytes) =>
      Buffer.from(bytes).toString('latin1'),
    );
    for (const secret of [fingerprintOf(offer), fingerprintOf(answer), member('ice-pwd', offer)])
      for (const bytes of relayed) expect(bytes).not.toContain(secret);
  });

  test('cannot change the sealed offer: the command names its hash', async () => {
    const { command } = await made.prepare(newPage());
    for (const at of [0, 30, command.sealedPayload.length - 1]) {
      const sealedPayload = copy(command.sealedPayload);
      sealedPayload[at] = (sealedPayload[at] ?? 0) ^ 1;
      const changed = create(SignedCommandSchema, { ...command, sealedPayload });
      expect((await made.router.relay(changed)).outcome.value).toMatchObject({ code: 'bad-signature' });
    }
    expect(made.gateway?.sessions.size).toBe(0);
  });

  test('cannot put an offer of its own under a member’s command without the record', async () => {
    const page = newPage();
    const { sessionUid } = await made.prepare(page);
    // Even with a signature that counts (a member who cannot open the record, say), the traffic key is missing.
    const scope = { sessionUid, recordUid: made.machineUid, gatewayUid: made.gatewayUid };
    const sessionNonce = randomBytes(16);
    const guessed = await SessionKeys.derive('vault', scope, randomBytes(32), sessionNonce);
    const payload = await guessed.sealMessage(randomBytes(200));
    const order = { kind: 1, recordUid: made.machineUid, sessionUid, sessionNonce };
    const command = await commandOf(made.person, made.gatewayUid, order, { payload });
    expect((await made.router.relay(command)).outcome.value).toMatchObject({ code: 'offer-unreadable' });
  });

  test('cannot sign an offer of its own', async () => {
    const { command } = await made.prepare(newPage(), { person: newPerson() });
    expect((await made.router.relay(command)).outcome.value).toMatchObject({ code: 'not-in-roster' });
  });

  test('cannot change the sealed answer, nor give the answer to another command', async () => {
    const [one, two] = [await made.prepare(newPage()), await made.prepare(newPage())];
    const [first, second] = [await made.router.relay(one.command), await made.router.relay(two.command)];
    if (first.outcome.case !== 'sealed' || second.outcome.case !== 'sealed') throw new Error('refused');
    await expect(made.openReply(two, first)).rejects.toThrow('open-failed');
    const changed = copy(second.outcome.value);
    changed[40] = (changed[40] ?? 0) ^ 1;
    const forged = create(CommandReplySchema, { outcome: { case: 'sealed', value: changed } });
    await expect(made.openReply(two, forged)).rejects.toThrow('open-failed');
  });

  test('sees the page itself connect: what follows fails by the certificate alone', async () => {
    const page = newPage();
    const { reply } = await start(page);
    page.accept(reply.answer);
    await page.opened;
  });

  test('gets no connection with the page’s ICE credentials and its own certificate', async () => {
    const victim = newPage();
    const offer = await victim.offer();
    const session = await made.prepare(victim, { offer });
    const reply = await made.openReply(session, await made.router.relay(session.command));
    // It is given more than it could ever have: both descriptions in clear.
    const init = { iceUfrag: member('ice-ufrag', offer), icePwd: member('ice-pwd', offer) };
    const attacker = newPage({ init });
    const own = await attacker.offer();
    expect(member('ice-ufrag', own)).toBe(init.iceUfrag);
    expect(fingerprintOf(own)).not.toBe(fingerprintOf(offer));
    let opened = false;
    void attacker.opened.then(() => (opened = true));
    attacker.accept(reply.answer);
    await expect
      .poll(() => made.logLines.find((line) => line.includes('peer connection ended')), { timeout: 20_000 })
      .toContain('the peer connection is failed');
    expect((await session.signal('ended')).body.value).toMatchObject({ code: 'peer-lost' });
    expect(opened).toBe(false);
    expect(made.logLines.join('')).not.toContain('session open');
  });

  test('gets no connection when the page’s side is the one that is swapped', async () => {
    const page = newPage();
    const { reply } = await start(page);
    const other = Buffer.from(randomBytes(32)).toString('hex').toUpperCase().match(/../g)?.join(':') ?? '';
    let opened = false;
    void page.opened.then(() => (opened = true));
    const failed = new Promise<void>((resolve) => {
      page.connection.onStateChange((state) => {
        if (state === 'failed' || state === 'closed') resolve();
      });
    });
    page.accept(reply.answer.replace(fingerprintOf(reply.answer), other));
    await failed;
    expect(opened).toBe(false);
  });
});

describe('a router that forges signals', () => {
  test('moves nothing: what does not open is dropped, what was opened once is a replay', async () => {
    const page = newPage();
    const { session } = await start(page);
    const sessionUid = uidBytes(session.sessionUid);
    const candidate = 'candidate:1 1 UDP 2114977791 127.0.0.1 9 typ host';
    const sealed = await session.keys.sealSignal({ case: 'candidate', value: { candidate, mid: '0' } });
    made.router.send({ case: 'signal', value: { sessionUid, sealed: randomBytes(120) } });
    made.router.send({ case: 'signal', value: { sessionUid, sealed } });
    made.router.send({ case: 'signal', value: { sessionUid, sealed } });
    await expect.poll(() => made.logLines.filter((line) => line.includes('signal refused'))).toHaveLength(2);
    const codes = made.logLines.filter((line) => line.includes('signal refused')).join('');
    expect(codes).toContain('"open-failed"');
    expect(codes).toContain('"replayed"');
  });
});

async function start(page: FakePage) {
  const session = await made.prepare(page);
  const reply = await made.openReply(session, await made.router.relay(session.command));
  return { session, reply };
}

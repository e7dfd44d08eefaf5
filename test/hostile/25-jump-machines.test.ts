// Attack classes 25 and 30 at the machine in between: a jump machine that answers for another, whose record somebody
// else made or brought back, that leads in circles, or that floods what goes through it.
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import ssh2 from 'ssh2';
import { afterEach, describe, expect, test } from 'vitest';
import { JumpWay } from '../../gateway/ssh/jump-way.ts';
import { connectTarget } from '../../gateway/ssh/target.ts';
import { forwardWindow } from '../../gateway/ssh/forwarded-socket.ts';
import { newUid } from '../../protocol/uid.ts';
import { launchRights } from '../../protocol/sharing/rights.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { sealGrant } from '../../workers/engine/sharing/share-seal.ts';
import { EachInstallation } from '../fakes/each-installation.ts';
import { newPerson } from '../fakes/organisation.ts';
import { failureOf } from '../fixtures/outcome.ts';

const target = { host: '127.0.0.1', port: 9, username: 'ada', password: 'unused' };
const between = { ...target, host: '127.0.0.3', hostKey: 'ssh-ed25519 AAAA' };

describe('the records', () => {
  const each = new EachInstallation(target);

  /** The machine names that one as its jump machine. */
  const behind = (jumpMachineUid: unknown) =>
    each.made.putMachine({ ...target, connection: { jumpMachineUid } });

  test('a jump machine of the owner’s own is taken', async () => {
    await behind(each.made.jumpUid);
    await each.made.putJump(between);
    expect(await each.fateOfConnect()).toBe('done');
  });

  test('one that another account made is not', async () => {
    await behind(each.made.jumpUid);
    await each.made.putJump(between, {}, { owner: newPerson() });
    expect(await each.fateOfConnect()).toBe('untrusted-record');
  });

  test('neither one whose copy the owner did not sign', async () => {
    await behind(each.made.jumpUid);
    await each.made.putJump(between, {}, { signer: newPerson().signer });
    expect(await each.fateOfConnect()).toBe('untrusted-record');
  });

  test('nor a former copy of it, from before it was moved', async () => {
    await behind(each.made.jumpUid);
    await each.made.putJump(between);
    const former = each.made.router.records.get(each.made.jumpUid);
    await each.made.putJump({ ...between, host: '127.0.0.4' });
    if (former) each.made.router.records.set(each.made.jumpUid, former);
    expect(await each.fateOfConnect()).toBe('record-outdated');
  });

  test('nor a former credential of it', async () => {
    await behind(each.made.jumpUid);
    await each.made.putJump(between);
    const former = each.made.router.records.get(each.made.jumpCredentialUid);
    await each.made.putJump({ ...between, password: 'newer' });
    if (former) each.made.router.records.set(each.made.jumpCredentialUid, former);
    expect(await each.fateOfConnect()).toBe('record-outdated');
  });

  test('one that the server does not give is no reason to go without', async () => {
    await behind(newUid());
    expect(await each.fateOfConnect()).toBe('record-unavailable');
  });

  test('a UID that is none opens nothing', async () => {
    await behind('not a uid');
    expect(await each.fateOfConnect()).toBe('untrusted-record');
  });

  test.each([
    ['itself', () => ({ jumpMachineUid: each.made.machineUid }), {}],
    ['one that leads back', () => ({ jumpMachineUid: each.made.jumpUid }), () => each.made.machineUid],
    ['one behind a third', () => ({ jumpMachineUid: each.made.jumpUid }), () => newUid()],
  ])('%s is no jump machine', async (_, connection, further) => {
    await each.made.putMachine({ ...target, connection: connection() });
    const jumps = typeof further === 'function' ? { connection: { jumpMachineUid: further() } } : {};
    await each.made.putJump({ ...between, ...jumps });
    expect(await each.fateOfConnect()).toBe('jump-unusable');
  });

  test.each([
    ['without SSH', { protocol: 'vnc' }, 'jump-unusable'],
    ['without a credential', { launchCredentialUid: '' }, 'jump-unusable'],
  ])('a machine %s is none', async (_, connection, code) => {
    await behind(each.made.jumpUid);
    await each.made.putJump({ ...between, connection });
    expect(await each.fateOfConnect()).toBe(code);
  });

  test('a machine of another gateway is none', async () => {
    await behind(each.made.jumpUid);
    await each.made.putJump(between, { configurationUid: newUid() });
    expect(await each.fateOfConnect()).toBe('untrusted-record');
  });

  test('whom the machine is shared with states no host key for it that its owner has not pinned', async () => {
    const { made } = each;
    await behind(made.jumpUid);
    const { hostKey: _, ...unpinned } = between;
    await made.putJump(unpinned);
    const mallory = newPerson();
    made.router.send({
      case: 'roster',
      value: await made.organisation.roster(2n, [made.person, mallory]),
    });
    await expect
      .poll(() => made.logLines.join(''), { timeout: 15_000 })
      .toMatch(/roster in use.*2|2.*roster in use/);
    const object = {
      ...({ kind: 'record', uid: made.machineUid, ownerUid: made.person.accountUid } as const),
      ...{ key: randomBytes(32), keyVersion: 1 },
    };
    const grantee = { kind: 'account', uid: mallory.accountUid, publicKey: mallory.ecdh.publicKey } as const;
    const terms = { rights: launchRights, expiresAtMs: 0, issuedAtMs: Date.now() };
    const access = { grants: [await sealGrant(made.person, object, grantee, terms)] };
    const asked = async (more: { jumpHostKey?: string }) =>
      each.fate((await made.prepare(each.newPage(), { person: mallory, access, ...more })).command);
    expect(await asked({ jumpHostKey: 'ssh-ed25519 BBBB' })).toBe('not-allowed');
    expect(await asked({})).toBe('done'); // and ends at once, with no key to meet it by
  });
});

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

interface SshServer {
  readonly port: number;
  readonly hostKey: string;
  readonly passwords: readonly string[];
}

/** An SSH server that takes any password, notes it, and answers requests for connections as told. */
async function sshServer(onForward: (accept: () => ssh2.ServerChannel) => void): Promise<SshServer> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = privateKey.export({ type: 'sec1', format: 'pem' }).toString();
  const parsed = ssh2.utils.parseKey(pem);
  if (parsed instanceof Error) throw parsed;
  const passwords: string[] = [];
  const sockets = new Set<net.Socket>();
  const listener = net.createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    const server = new ssh2.Server({ hostKeys: [pem] });
    server.on('connection', (client) => {
      client.on('error', () => {});
      client.on('authentication', (context) => {
        if (context.method !== 'password') return context.reject(['password']);
        passwords.push(context.password);
        context.accept();
      });
      client.on('tcpip', (accept) => onForward(accept));
    });
    server.injectSocket(socket);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    listener.close();
  });
  const hostKey = `${parsed.type} ${parsed.getPublicSSH().toString('base64')}`;
  return { port: (listener.address() as net.AddressInfo).port, hostKey, passwords };
}

function wayThrough({ port, hostKey }: SshServer, forwardMs?: number): JumpWay {
  const signal = new AbortController().signal;
  const credential = { username: 'jump', password: 'the password of the jump machine' };
  const way = new JumpWay({
    ...{ host: '127.0.0.1', port, credential, pinnedHostKeys: [hostKey], signal },
    ...(forwardMs !== undefined && { forwardMs }),
  });
  closing.push(() => way.close());
  return way;
}

const beyond = { host: 'db.internal', port: 22 };
const signal = new AbortController().signal;

describe('the jump machine itself', () => {
  test('that answers as the target gets no password of it', async () => {
    const posing = await sshServer(() => {});
    const jump = await sshServer((accept) => {
      const channel = accept();
      const socket = net.connect(posing.port, '127.0.0.1').on('error', () => {});
      channel.pipe(socket).pipe(channel);
    });
    const genuine = (await sshServer(() => {})).hostKey;
    const options = {
      ...{ ...beyond, pinnedHostKeys: [genuine], trustOnFirstUse: false, signal },
      credential: { username: 'root', password: 'the password of the target' },
      way: wayThrough(jump),
    };
    expect(await failureOf(connectTarget(options))).toMatchObject({
      leg: 'target',
      code: 'host-key-mismatch',
    });
    expect(posing.passwords).toEqual([]);
    expect(jump.passwords).toEqual(['the password of the jump machine']);
  });

  test('that shows another host key gets no password either', async () => {
    const jump = await sshServer(() => {});
    const other = await sshServer(() => {});
    const way = wayThrough({ ...jump, hostKey: other.hostKey });
    expect(await failureOf(way.open(beyond, signal))).toMatchObject({
      leg: 'jump',
      code: 'host-key-mismatch',
    });
    expect(jump.passwords).toEqual([]);
  });

  test('that sends more than it was granted is hung up on, and holds no more than a window here', async () => {
    const jump = await sshServer((accept) => {
      const channel = accept();
      // ssh2 keeps to the window; whoever does not is this.
      (channel as unknown as { outgoing: { window: number } }).outgoing.window = Number.MAX_SAFE_INTEGER;
      const chunk = Buffer.alloc(256 * 1024);
      for (let sent = 0; sent < 3 * forwardWindow; sent += chunk.length) channel.write(chunk);
    });
    const socket = await wayThrough(jump).open(beyond, signal);
    await once(socket, 'close'); // nothing is read of it
    expect(socket.readableLength).toBeLessThanOrEqual(forwardWindow);
  });

  test('that never answers is given up on, and so is a way that is left meanwhile', async () => {
    const jump = await sshServer(() => {});
    const way = wayThrough(jump, 300);
    expect(await failureOf(way.open(beyond, signal))).toMatchObject({
      leg: 'target',
      code: 'target-timed-out',
    });
    const left = wayThrough(jump);
    const opening = failureOf(left.open(beyond, signal));
    left.close();
    expect(await opening).toMatchObject({ code: 'cancelled' });
  });
});

import { once } from 'node:events';
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { openGuacd } from '../../../gateway/guacd/connection.ts';
import type { GuacdConnection, GuacdOptions } from '../../../gateway/guacd/connection.ts';
import { encodeInstructionBytes } from '../../../protocol/guacamole/instruction.ts';
import type { Instruction } from '../../../protocol/guacamole/instruction.ts';
import { failureOf } from '../../fixtures/outcome.ts';
import { agreeable, FakeGuacd } from './fake-guacd.ts';

const started: FakeGuacd[] = [];
const open: GuacdConnection[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((connection) => connection.close()));
  await Promise.all(started.splice(0).map((guacd) => guacd.stop()));
});

async function fake(answer?: (instruction: Instruction, guacd: FakeGuacd) => void): Promise<FakeGuacd> {
  const guacd = await FakeGuacd.start(answer);
  started.push(guacd);
  return guacd;
}

function optionsFor(guacd: { port: number }, changes: Partial<GuacdOptions> = {}): GuacdOptions {
  return {
    ...{
      host: '127.0.0.1',
      port: guacd.port,
      select: { protocol: 'ssh' },
      signal: new AbortController().signal,
    },
    display: { width: 800, height: 600, dpi: 96 },
    policy: { disableCopy: false, disablePaste: false },
    parameters: { hostname: 'here', password: 'geheim €', unknown: 'dropped' },
    timing: { closeMs: 200 },
    ...changes,
  };
}

async function connect(guacd: FakeGuacd, changes: Partial<GuacdOptions> = {}) {
  const connection = await openGuacd(optionsFor(guacd, changes));
  open.push(connection);
  return connection;
}

describe('the handshake', () => {
  it('answers by the names that guacd asks for, in its order', async () => {
    const guacd = await fake(
      agreeable(['VERSION_1_3_0', 'password', 'new-thing', 'hostname', 'constructor']),
    );
    const connection = await connect(guacd, { timezone: 'Europe/Berlin' });
    expect(connection.id).toBe('$id');
    expect(guacd.opcodes()).toEqual(['select', 'size', 'audio', 'video', 'image', 'timezone', 'connect']);
    expect(guacd.heard.at(-1)).toEqual(['connect', 'VERSION_1_3_0', 'geheim €', '', 'here', '']);
  });

  it.each([
    ['VERSION_1_5_0', 'VERSION_1_3_0'],
    ['VERSION_1_6_0', 'VERSION_1_3_0'],
    ['VERSION_1_1_0', 'VERSION_1_1_0'],
  ])('to %s speaks %s', async (theirs, ours) => {
    const guacd = await fake(agreeable([theirs, 'hostname']));
    await connect(guacd);
    expect(guacd.heard.at(-1)).toEqual(['connect', ours, 'here']);
  });

  it('with a guacd of before versions leaves the time zone out', async () => {
    const guacd = await fake(agreeable(['hostname']));
    await connect(guacd, { timezone: 'UTC' });
    expect(guacd.opcodes()).not.toContain('timezone');
    expect(guacd.heard.at(-1)).toEqual(['connect', 'here']);
  });

  it('never selects a protocol that is not on the list', async () => {
    const guacd = await fake();
    const failure = await failureOf(
      openGuacd(optionsFor(guacd, { select: { protocol: 'telepathy' as 'ssh' } })),
    );
    expect(failure.leg).toBe('guacd');
    expect(guacd.opcodes()).not.toContain('select');
  });

  it.each(['select', 'connect'])('does not wait for ever for the answer to %s', async (silentAt) => {
    const guacd = await fake(
      (instruction, it) => instruction.opcode !== silentAt && agreeable()(instruction, it),
    );
    const failure = await failureOf(openGuacd(optionsFor(guacd, { timing: { answerMs: 50, closeMs: 50 } })));
    expect(failure.code).toBe('guacd-timed-out');
    await guacd.until(() => guacd.closed);
    expect(guacd.opcodes().at(-1)).toBe('disconnect');
  });

  it('does not wait for ever for a connection', async () => {
    const full = net.createServer().listen(0, '127.0.0.1', 1); // takes connections, says nothing
    await once(full, 'listening');
    const { port } = full.address() as net.AddressInfo;
    const failure = await failureOf(
      openGuacd(optionsFor({ port }, { timing: { answerMs: 50, closeMs: 50 } })),
    );
    expect(failure.code).toBe('guacd-timed-out');
    full.close();
  });

  it.each([
    ['another instruction', 'guacamole-malformed', (guacd: FakeGuacd) => guacd.say('img', 1)],
    ['garbage', 'guacamole-malformed', (guacd: FakeGuacd) => void guacd.raw('HTTP/1.1 400 Bad Request\r\n')],
    ['an error', 'target-unreachable', (guacd: FakeGuacd) => guacd.say('error', 'Aborted. See logs.', 519)],
    ['a close', 'guacd-lost', (guacd: FakeGuacd) => guacd.hangUp()],
  ])('fails on %s', async (_, code, answer) => {
    const guacd = await fake((_instruction, it) => answer(it));
    expect((await failureOf(openGuacd(optionsFor(guacd)))).code).toBe(code);
  });

  it('is given up with its owner', async () => {
    const guacd = await fake(() => {});
    const owner = new AbortController();
    const opening = failureOf(openGuacd(optionsFor(guacd, { signal: owner.signal })));
    await guacd.until(() => guacd.opcodes().includes('select'));
    owner.abort();
    expect((await opening).code).toBe('cancelled');
    await guacd.until(() => guacd.closed);
  });
});

describe('the connection', () => {
  it('shows what came right behind ready', async () => {
    const guacd = await fake(({ opcode }, it) => {
      if (opcode === 'select') it.say('args', 'VERSION_1_3_0');
      if (opcode === 'connect') it.raw('5.ready,3.$id;4.size,1.0,1.9,1.9;');
    });
    const shown: string[] = [];
    await connect(guacd, { viewer: (bytes) => shown.push(Buffer.from(bytes).toString()) > 0 });
    expect(shown.join('')).toBe('4.size,1.0,1.9,1.9;');
  });

  it('acknowledges what comes of a desktop, which guacd waits for, and nothing of a terminal', async () => {
    const guacd = await fake();
    await connect(guacd, { desktop: true });
    guacd.raw('4.size,1.0,1.9');
    await guacd.until(() => guacd.opcodes().at(-1) === 'nop');
    expect(guacd.opcodes().slice(-2)).toEqual(['connect', 'nop']);

    const terminal = await fake();
    const shown = Promise.withResolvers<boolean>();
    const viewer = () => (shown.resolve(true), true);
    const connection = await connect(terminal, { viewer });
    terminal.raw('4.size,1.0,1.9,1.9;');
    expect(await shown.promise).toBe(true);
    await connection.close();
    await terminal.until(() => terminal.closed);
    expect(terminal.opcodes()).not.toContain('nop');
  });

  it('answers with the login before the picture, and has none to give after it', async () => {
    const guacd = await fake();
    const connection = await connect(guacd, { answers: { username: 'ada', password: 'geheim' } });
    guacd.say('required', 'username');
    await guacd.until(() => guacd.opcodes().includes('end'));
    expect(guacd.heard).toContainEqual(['blob', '56', Buffer.from('ada').toString('base64')]);
    const other = await fake();
    const begun = await connect(other, { answers: { username: 'ada', password: 'geheim' } });
    for (const time of [1001, 1002]) {
      other.say('size', 0, 9, 9);
      other.say('sync', time);
      await other.until(() => other.heard.some(([opcode, at]) => opcode === 'sync' && at === String(time)));
    }
    other.say('required', 'password');
    expect((await begun.ended).code).toBe('credential-needed');
    expect(other.opcodes()).not.toContain('blob');
    await connection.close();
  });

  it('answers sync while nobody watches, and leaves it to a viewer', async () => {
    const guacd = await fake();
    const connection = await connect(guacd);
    guacd.say('sync', 1001);
    await guacd.until(() => guacd.opcodes().includes('sync'));
    const seen: string[] = [];
    connection.attach((bytes) => seen.push(Buffer.from(bytes).toString()) > 0);
    guacd.say('sync', 1002);
    guacd.say('error', 'over', 519);
    await connection.ended;
    expect(seen.join('')).toBe('4.sync,4.1002;');
    await guacd.until(() => guacd.closed);
    expect(guacd.heard.filter(([opcode]) => opcode === 'sync')).toEqual([['sync', '1001']]);
  });

  it('is heard though nothing is typed', async () => {
    const guacd = await fake();
    await connect(guacd, { timing: { keepAliveMs: 10, closeMs: 50 } });
    await guacd.until(() => guacd.opcodes().filter((opcode) => opcode === 'nop').length >= 2);
  });

  it.each([
    [513, 'guacd', 'guacd-busy'],
    [514, 'target', 'target-timed-out'],
    [519, 'target', 'target-unreachable'],
    [523, 'target', 'target-closed'],
    [769, 'login', 'login-refused'],
    [512, 'guacd', 'guacd-error'],
    [99999, 'guacd', 'guacd-error'],
  ])('names status %i', async (status, leg, code) => {
    const guacd = await fake();
    const connection = await connect(guacd);
    guacd.say('error', 'Aborted. See logs.', status);
    const end = await connection.ended;
    expect([end.leg, end.code]).toEqual([leg, code]);
  });

  it('says disconnect before it closes, and closes though guacd does not', async () => {
    const guacd = await fake();
    const connection = await connect(guacd);
    await connection.close();
    await guacd.until(() => guacd.closed);
    expect(guacd.opcodes().at(-1)).toBe('disconnect');
    expect((await connection.ended).code).toBe('closed');
  });

  it('holds guacd back while the viewer has no room', async () => {
    const guacd = await fake();
    const connection = await connect(guacd);
    let shown = 0;
    let room = false;
    let next = () => {};
    const picture = `4.blob,1.1,8000.${'A'.repeat(8000)};`;
    connection.attach((bytes) => {
      shown += bytes.length;
      next();
      return room;
    });
    guacd.raw('3.img,1.1,2.12,1.0,9.image/png,1.0,1.0;');
    guacd.say('blob', 1, 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ'); // how it begins
    let sent = 0;
    while (guacd.raw(picture) && sent < 64 * 1024 * 1024) sent += picture.length;
    await new Promise<void>((resolve) => (next = resolve));
    const early = shown;
    room = true;
    const more = new Promise<void>((resolve) => (next = () => shown >= sent && resolve()));
    connection.resume();
    await more;
    expect(early).toBeLessThan(sent);
  });

  it('changes no setting of a terminal while what guacd draws waits unread', async () => {
    const guacd = await fake();
    const connection = await connect(guacd, { timing: { quietMs: 1, changeMs: 60_000, closeMs: 50 } });
    let room = false;
    const shown = new Promise<void>((resolve) => connection.attach(() => (resolve(), room)));
    guacd.say('sync', 1);
    await shown;
    const setting = [
      encodeInstructionBytes('argv', 1, 'text/plain', 'font-size'),
      encodeInstructionBytes('end', 1),
    ];
    for (const part of setting) connection.write(part);
    for (let turn = 1; turn <= 20; turn++) {
      connection.write(encodeInstructionBytes('key', turn, 1));
      await guacd.until(() => guacd.heard.some(([opcode, key]) => opcode === 'key' && key === String(turn)));
    }
    expect(guacd.opcodes()).not.toContain('argv');
    room = true;
    connection.resume();
    await guacd.until(() => guacd.opcodes().includes('argv'));
  });

  it('lets go of a viewer that never has room, and reads on', async () => {
    const guacd = await fake();
    let stalled = () => {};
    const letGo = new Promise<void>((resolve) => (stalled = resolve));
    const connection = await connect(guacd, {
      timing: { stallMs: 20, closeMs: 50 },
      onStalled: () => stalled(),
    });
    connection.attach(() => false);
    guacd.say('sync', 1);
    await letGo;
    guacd.say('sync', 2);
    await guacd.until(() => guacd.heard.some(([opcode, at]) => opcode === 'sync' && at === '2'));
  });

  it('tells the browser to wait when guacd does not read', async () => {
    const silent = net.createServer((socket) => {
      socket.once('data', () => socket.write('4.args,13.VERSION_1_3_0;5.ready,1.x;'));
      socket.on('error', () => {});
      socket.on('data', () => socket.pause());
    });
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as net.AddressInfo;
    const connection = await openGuacd(optionsFor({ port }, { timing: { closeMs: 20 } }));
    const key = encodeInstructionBytes('key', 97, 1);
    let written = 0;
    while (connection.write(key) && written < 1_000_000) written++;
    expect(written).toBeLessThan(1_000_000);
    await connection.close();
    await connection.drained();
    silent.close();
  });
});

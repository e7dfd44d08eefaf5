// Class 30: instructions that a broken or overtaken guacd sends, and what a target's escapes can make a real one send.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openGuacd } from '../../gateway/guacd/connection.ts';
import { openSshSession } from '../../gateway/terminal/ssh-session.ts';
import type { SshSession } from '../../gateway/terminal/ssh-session.ts';
import type { GuacdPool } from '../../scripts/process/guacd-pool.ts';
import { startTestGuacdPool } from '../fixtures/guacd.ts';
import type { SshTarget } from '../fixtures/ssh-target.ts';
import { startSshTarget } from '../fixtures/ssh-target.ts';
import { BrowserStandIn, Ear } from '../integration/guacd/stand-ins.ts';
import { FakeGuacd } from '../unit/gateway-guacd/fake-guacd.ts';

const signal = new AbortController().signal;

describe('a guacd that sends malformed instructions', () => {
  const endless = (piece: string) => (guacd: FakeGuacd) => {
    let left = 2_000;
    const more = () => {
      while (left-- > 0 && guacd.raw(piece));
      if (left > 0) setImmediate(more);
    };
    more();
  };
  it.each<[string, (guacd: FakeGuacd) => void]>([
    ['an element announced with 99999999 code points', (it) => void it.raw('4.blob,1.1,99999999.')],
    ['an element of 32769 code points', (it) => void it.raw(`4.blob,1.1,32769.${'A'.repeat(32769)};`)],
    ['an instruction without end', endless('1.a,'.repeat(1_000))],
    ['a length without end', endless('9'.repeat(1_000))],
    ['a length with a sign', (it) => void it.raw('+3.nop;')],
    ['a length with a leading zero', (it) => void it.raw('03.nop;')],
    ['a wrong terminator', (it) => void it.raw('3.nop|')],
    ['bytes that are not UTF-8', (it) => void it.raw(Buffer.from([0x31, 0x2e, 0xff, 0x3b]))],
    ['a surrogate in UTF-8', (it) => void it.raw(Buffer.from([0x31, 0x2e, 0xed, 0xa0, 0x80, 0x3b]))],
    ['a line of HTML', (it) => void it.raw('<html>;')],
  ])('%s: the session ends, named, and the browser sees none of it', async (_, attack) => {
    const guacd = await FakeGuacd.start();
    const shown: Uint8Array[] = [];
    const connection = await openGuacd({
      ...{ host: '127.0.0.1', port: guacd.port, select: { protocol: 'ssh' }, signal, parameters: {} },
      display: { width: 800, height: 600, dpi: 96 },
      policy: { disableCopy: false, disablePaste: false },
      viewer: (bytes) => shown.push(bytes) > 0,
    });
    attack(guacd);
    expect((await connection.ended).code).toBe('guacamole-malformed');
    expect(shown).toEqual([]);
    await guacd.stop();
  });
});

const asRoot = process.getuid?.() === 0;

describe.runIf(asRoot)('escape sequences of a target, through a real guacd', () => {
  let guacd: GuacdPool;
  let target: SshTarget;
  const open: SshSession[] = [];

  beforeAll(async () => {
    [guacd, target] = await Promise.all([startTestGuacdPool(), startSshTarget()]);
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((session) => session.close()));
  });
  afterAll(async () => {
    await Promise.all([guacd.stop(), target.stop()]);
  });

  async function start(policy = { disableCopy: false, disablePaste: false }) {
    const refused: string[] = [];
    const ear = new Ear();
    const session = await openSshSession({
      target: {
        host: target.host,
        port: target.port,
        pinnedHostKeys: target.hostKeys,
        trustOnFirstUse: false,
      },
      credential: { username: target.username, password: target.password },
      display: { width: 800, height: 600, dpi: 96 },
      guacd: { pool: guacd.path },
      ...{ settings: {}, policy, tap: ear, signal },
      onRefused: (from, opcode) => refused.push(`${from} ${opcode}`),
    });
    open.push(session);
    const browser = new BrowserStandIn();
    browser.speakTo(session);
    await session.attach(browser.view);
    await ear.hears(/\$ $/);
    return { session, ear, browser, refused };
  }

  /** Has the target print something, and waits until guacd has come to what follows it: a title for the window. */
  async function print({ browser }: Awaited<ReturnType<typeof start>>, escapes: string): Promise<void> {
    const titles = browser.count('name');
    browser.type(`printf '${escapes}\\033]2;printed\\007'\n`);
    await browser.until(() => browser.count('name') > titles, 'the title');
  }

  it('open no pipe and no download toward the browser', async () => {
    const session = await start();
    await print(session, '\\033]482202;stolen\\007data through the pipe\\033]482203;\\007');
    await print(session, '\\033]482200;/etc/passwd\\007\\033]482201;/etc\\007');
    for (const opcode of ['pipe', 'file', 'filesystem', 'body'])
      expect(session.browser.count(opcode)).toBe(0);
    expect(session.refused).toContain('guacd pipe');
  });

  it('write nothing to the clipboard', async () => {
    const session = await start();
    await print(session, '\\033]52;c;cm0gLXJmIC8K\\007');
    expect(session.browser.count('clipboard')).toBe(0);
  });

  it('type nothing at the target by answering for the user', async () => {
    const { ear, browser } = await start();
    browser.type(
      'printf \'\\033[c\\033[6n\\033[21t\\033P+q544e\\033\\\\\\033]10;?\\007\'; sleep 0.2; echo; echo pr""inted\n',
    );
    await ear.hears('printed\r\n');
    await browser.until(() => ear.typed.includes('\n') || ear.typed.includes('\r'), 'what was typed');
    const answers = ear.typed.slice(ear.typed.indexOf('printed') + 1).replace(/[^\n\r]/g, '');
    expect(answers.length).toBeLessThanOrEqual(1); // the one Enter of the test itself
  });

  it('do not end the session by being strange', async () => {
    const { ear, browser, session } = await start();
    const strange = [
      ...['[99999999999999999999;99999999999999999999H', '[2147483647L', '[2147483647M', '[38;5;4294967295m'],
      ...[
        '[1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1m',
        '[-1;-1r',
        '[0;999999r',
        '[?99999999h',
      ],
      ...['#8', '(0', '[2147483647X', '[2147483647P', '[2147483647@', ']4;99999;rgb:zz/zz/zz\\007', 'c'],
    ];
    browser.type(`printf '${strange.map((sequence) => `\\033${sequence}`).join('')}'\n`);
    browser.type('echo al""ive\n');
    await ear.hears('alive\r\n');
    browser.type('head -c 4000 /dev/urandom; printf "\\033c\\n"; echo do""ne\n');
    await ear.hears('done\r\n');
    // A terminal answers some of that as if it were typing (ENQ, device attributes): off the line with it.
    browser.send('key', 0xffe3, 1);
    browser.key(0x63);
    browser.send('key', 0xffe3, 0);
    await ear.hears(/\^C[^]*\$ $/);
    // The shell may have read the end of an answer before the signal came; that is on the new line then.
    browser.type('\n');
    await ear.hears(/\^C[^]*\$ [^]*\n[^]*\$ $/);
    browser.type('echo still""-alive\n');
    await ear.hears('still-alive\r\n');
    expect(session.exit).toBeNull();
  });

  it('cannot copy where copying is off', async () => {
    const { ear, browser } = await start({ disableCopy: true, disablePaste: true });
    browser.type('echo sel""ect-me\n');
    await ear.hears('select-me\r\n');
    browser.send('mouse', 5, 5, 1);
    browser.send('mouse', 300, 60, 1);
    browser.send('mouse', 300, 60, 0);
    browser.type('echo th""en\n');
    await ear.hears('then\r\n');
    browser.send('clipboard', 1, 'text/plain');
    browser.send('blob', 1, Buffer.from('echo pasted').toString('base64'));
    browser.send('end', 1);
    await browser.until(
      () => browser.instructions.some(({ opcode, args }) => opcode === 'ack' && args[2] === '771'),
      'the refusal',
    );
    expect(browser.count('clipboard')).toBe(0);
  });
});

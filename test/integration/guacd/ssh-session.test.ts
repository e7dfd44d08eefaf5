import { once } from 'node:events';
import { watch } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openSshSession } from '../../../gateway/terminal/ssh-session.ts';
import type { SshSession, SshSessionOptions } from '../../../gateway/terminal/ssh-session.ts';
import type { GuacdPool } from '../../../scripts/process/guacd-pool.ts';
import { startTestGuacd, startTestGuacdPool } from '../../fixtures/guacd.ts';
import type { SshTarget } from '../../fixtures/ssh-target.ts';
import { startSshTarget } from '../../fixtures/ssh-target.ts';
import { failureOf } from '../../fixtures/outcome.ts';
import { nobodysPort } from '../../fixtures/nobodys-port.ts';
import { startBriefTarget } from './brief-target.ts';
import { BrowserStandIn, Ear } from './stand-ins.ts';

/** What Debian's own sshd_config adds. */
const stock = { settings: ['AcceptEnv LANG LC_* TZ'] };
const asRoot = process.getuid?.() === 0;
let guacd: GuacdPool;
let target: SshTarget;
const open: SshSession[] = [];

beforeAll(async () => {
  if (asRoot) [guacd, target] = await Promise.all([startTestGuacdPool(), startSshTarget(stock)]);
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((session) => session.close()));
});
afterAll(async () => {
  await Promise.all([guacd?.stop(), target?.stop()]);
});

type Changes = Partial<Omit<SshSessionOptions, 'target'>> & { target?: Partial<SshSessionOptions['target']> };

function optionsFor(at: SshTarget, changes: Changes = {}): SshSessionOptions {
  return {
    credential: { username: at.username, password: at.password },
    display: { width: 1024, height: 768, dpi: 96 },
    guacd: { pool: guacd.path },
    settings: {},
    policy: { disableCopy: false, disablePaste: false },
    signal: new AbortController().signal,
    ...changes,
    target: {
      host: at.host,
      port: at.port,
      pinnedHostKeys: at.hostKeys,
      trustOnFirstUse: false,
      ...changes.target,
    },
  };
}

async function start(changes: Changes = {}, at: SshTarget = target) {
  const ear = new Ear();
  const session = await openSshSession(optionsFor(at, { tap: ear, ...changes }));
  open.push(session);
  const browser = new BrowserStandIn();
  browser.speakTo(session);
  await session.attach(browser.view);
  await ear.hears(/[$#] $/);
  return { session, ear, browser };
}

/** Waits for the file system's own event. */
async function fileHolds(at: SshTarget, name: string, content: string): Promise<void> {
  const watcher = watch(at.home);
  const deadline = AbortSignal.timeout(30_000);
  try {
    while (at.homeFile(name) !== content) await once(watcher, 'change', { signal: deadline });
  } finally {
    watcher.close();
  }
}

describe.runIf(asRoot)('a shell over real guacd and sshd', () => {
  it('shows what is typed and works on the target', async () => {
    const { ear, browser } = await start();
    await browser.until(() => browser.count('sync') > 0 && browser.count('img') > 0, 'a picture');
    const before = browser.count('sync');
    browser.type('echo "grüße €" > seen; cat seen; echo don""e\n');
    await ear.hears(/grüße €\r\ndone/);
    expect(target.homeFile('seen')).toBe('grüße €\n');
    await browser.until(() => browser.count('sync') > before, 'the picture after it');
  });

  it.each(['ed25519', 'ecdsa', 'rsa', 'rsaPem'] as const)('lets in with the key %s', async (name) => {
    const { privateKey } = target.keys[name];
    const { ear } = await start({ credential: { username: target.username, privateKey } });
    expect(ear.text).toContain(target.username);
  });

  it('lets in with a key that needs its passphrase', async () => {
    const { privateKey } = target.keys.locked;
    const { username, passphrase } = target;
    await start({ credential: { username, privateKey, passphrase } });
    for (const wrong of ['not it', '', undefined]) {
      const credential = { username, privateKey, ...(wrong !== undefined && { passphrase: wrong }) };
      const failure = await failureOf(openSshSession(optionsFor(target, { credential })));
      expect([failure.leg, failure.code]).toEqual(['login', 'passphrase-wrong']);
    }
  });

  it('lets in by keyboard-interactive', async () => {
    const interactive = await startSshTarget({ passwords: 'interactive' });
    try {
      const { ear } = await start({}, interactive);
      expect(ear.text).toContain(interactive.username);
      const credential = { username: interactive.username, password: 'wrong' };
      const failure = await failureOf(openSshSession(optionsFor(interactive, { credential })));
      expect(failure.code).toBe('login-refused');
    } finally {
      await interactive.stop();
    }
  });

  it('falls back to the password when the key is refused', async () => {
    const stranger = await startSshTarget();
    try {
      const { username, password } = target;
      await start({ credential: { username, password, privateKey: stranger.privateKey } });
    } finally {
      await stranger.stop();
    }
  });

  it('tells the target the size, at first and after a resize', async () => {
    const { ear, browser } = await start();
    const [opened, ...later] = ear.sizes;
    browser.type('stty size\n');
    await ear.hears(/\d+ \d+\r\n/);
    const [rows = 0, columns = 0] = /(\d+) (\d+)\r\n/.exec(ear.text)?.slice(1).map(Number) ?? [];
    expect(rows).toBeGreaterThan(10);
    expect([opened?.columns, opened?.rows, later]).toEqual([columns, rows, []]); // the tap heard of it before the prompt
    browser.send('size', 600, 300);
    await browser.until(() => ear.sizes.length > 1, 'the resize');
    const { columns: c = 0, rows: r = 0 } = ear.sizes.at(-1) ?? {};
    expect(c).toBeLessThan(columns);
    expect(r).toBeLessThan(rows);
    browser.type('stty size\n');
    await ear.hears(`${r} ${c}\r\n`);
  });

  it(
    'lives through sixty sizes of its letters while it draws, and as many at once',
    { timeout: 240_000 },
    async () => {
      const { session, ear, browser } = await start();
      const letters = (points: number, stream: number) => {
        browser.send('argv', stream, 'text/plain', 'font-size');
        browser.send('blob', stream, Buffer.from(String(points)).toString('base64'));
        browser.send('end', stream);
      };
      let over = false;
      void session.ended.then(() => (over = true));
      browser.type('while :; do date; sleep 0.02; done\n');
      for (let time = 0; time < 60; time++) {
        const told = browser.count('argv');
        letters(8 + (time % 12), 0);
        await browser.until(() => over || browser.count('argv') > told, `letters for the ${time}th time`);
      }
      for (let time = 0; time < 60; time++) letters(8 + (time % 13), time % 4);
      letters(30, 1);
      const size = () => ear.sizes.at(-1)?.columns ?? 0;
      await browser.until(() => over || size() < 50, 'the largest letters');
      const drawn = browser.count('sync');
      await browser.until(() => over || browser.count('sync') > drawn + 5, 'the picture after it');
      expect(over).toBe(false);
    },
  );

  it('hands on terminal type, locale and time zone', async () => {
    const accepting = await startSshTarget({ settings: ['AcceptEnv LANG LC_* TZ'] });
    try {
      const { ear, browser } = await start({ timezone: 'Asia/Tokyo' }, accepting);
      browser.type('echo "[$TERM] [$LANG] [$(date +%Z)]"\n');
      await ear.hears('[xterm-256color] [C.UTF-8] [JST]');
    } finally {
      await accepting.stop();
    }
  });

  it('takes a paste, and hands out a copy', async () => {
    const { ear, browser } = await start();
    browser.send('clipboard', 1, 'text/plain');
    browser.send('blob', 1, Buffer.from('echo pas""ted').toString('base64'));
    browser.send('end', 1);
    browser.send('key', 0xffe3, 1); // Ctrl+Shift+V
    browser.send('key', 0xffe1, 1);
    browser.key(0x56);
    browser.send('key', 0xffe1, 0);
    browser.send('key', 0xffe3, 0);
    browser.key(0xff0d);
    await ear.hears('pasted\r\n');
    browser.send('mouse', 5, 5, 1);
    browser.send('mouse', 400, 60, 1);
    browser.send('mouse', 400, 60, 0);
    await browser.until(() => browser.count('clipboard') > 0, 'the selection');
  });

  it('measures the way to the target', async () => {
    const before = performance.now();
    const { session } = await start();
    const measured =
      session.latencyToTarget ?? (await new Promise<number>((resolve) => session.watchLatency(resolve)));
    expect(measured).toBeGreaterThan(0);
    expect(measured).toBeLessThan(performance.now() - before);
  });

  it('stops a flood at once by Ctrl-C, on the target and in the picture', async () => {
    const { ear, browser } = await start();
    browser.type('yes\n');
    await browser.until(() => browser.count('sync') > 20, 'the flood');
    const before = ear.text.length;
    browser.send('key', 0xffe3, 1);
    browser.key(0x63);
    browser.send('key', 0xffe3, 0);
    await ear.hears(/\^C[^]*\$ $/);
    // What was under way is the window of the target at most, not SSH's usual 2 MiB.
    expect(ear.text.length - before).toBeLessThan(1024 * 1024);
    browser.type('clear; echo af""ter\n');
    await ear.hears('after\r\n');
  });

  it('ends with the shell and keeps its exit status', async () => {
    const { session, browser } = await start();
    browser.type('exit 7\n');
    const end = await session.ended;
    expect([end.leg, end.code]).toEqual(['target', 'closed']);
    expect(session.exit).toEqual({ status: 7, signal: null });
  });

  it('shows the last words of a shell that ends behind a flood', async () => {
    const { session, browser } = await start();
    browser.type(String.raw`exec sh -c "seq 1 100000; printf '\033[48;2;17;34;51m\033[2J'"` + '\n');
    await session.ended;
    expect(browser.fills).toContain('17,34,51');
  });

  it('shows them too when the target closes its connection right behind the shell', async () => {
    const words = `${'word\r\n'.repeat(10_000)}\x1b[48;2;17;34;51m\x1b[2J`;
    const brief = await startBriefTarget(Buffer.from(words));
    try {
      const at = { host: '127.0.0.1', port: brief.port, pinnedHostKeys: [], trustOnFirstUse: true };
      const session = await openSshSession(optionsFor(target, { target: at }));
      open.push(session);
      const browser = new BrowserStandIn();
      browser.speakTo(session);
      await session.attach(browser.view);
      expect((await session.ended).code).toBe('closed');
      expect(session.exit).toEqual({ status: 0, signal: null });
      expect(browser.fills).toContain('17,34,51');
    } finally {
      brief.stop();
    }
  });

  it('is over on the target at once when it is closed', async () => {
    const { session, ear, browser } = await start();
    browser.type('trap "echo gone > hung-up" HUP; echo rea""dy; read -r _\n');
    await ear.hears('ready\r\n');
    await session.close();
    expect((await session.ended).code).toBe('closed');
    await fileHolds(target, 'hung-up', 'gone\n');
  });

  it('reports each leg of the way', async () => {
    const seen: string[] = [];
    await start({ onProgress: (leg, state) => seen.push(`${leg} ${state}`) });
    for (const leg of ['guacd', 'target', 'login']) {
      expect(seen.indexOf(`${leg} started`)).toBeGreaterThanOrEqual(0);
      expect(seen.indexOf(`${leg} done`)).toBeGreaterThan(seen.indexOf(`${leg} started`));
    }
    expect(seen.indexOf('login started')).toBeGreaterThan(seen.indexOf('target done'));
  });

  it('runs beside another session without mixing them up', async () => {
    const [one, two] = await Promise.all([start(), start()]);
    one.browser.type('echo one > only""-one; echo don""e\n');
    two.browser.type('echo two > only""-two; echo don""e\n');
    await Promise.all([one.ear.hears('done\r\n'), two.ear.hears('done\r\n')]);
    expect(one.ear.text).not.toContain('only-two');
    expect([target.homeFile('only-one'), target.homeFile('only-two')]).toEqual(['one\n', 'two\n']);
    await one.session.close();
    two.browser.type('echo still""-here\n');
    await two.ear.hears('still-here\r\n');
  });
});

describe.runIf(asRoot)('a way that does not work is named', () => {
  it('wrong password', async () => {
    const failure = await failureOf(
      openSshSession(optionsFor(target, { credential: { username: target.username, password: 'wrong' } })),
    );
    expect([failure.leg, failure.code]).toEqual(['login', 'login-refused']);
  });

  it('key that the target does not know', async () => {
    const other = await startSshTarget();
    const { privateKey } = other;
    await other.stop();
    const credential = { username: target.username, privateKey };
    const failure = await failureOf(openSshSession(optionsFor(target, { credential })));
    expect([failure.leg, failure.code]).toEqual(['login', 'login-refused']);
  });

  it('closed port', async () => {
    const failure = await failureOf(openSshSession(optionsFor(target, { target: { port: nobodysPort } })));
    expect([failure.leg, failure.code]).toEqual(['target', 'target-refused']);
  });

  it('name that does not exist', async () => {
    const host = 'no-such-host.invalid';
    const failure = await failureOf(openSshSession(optionsFor(target, { target: { host } })));
    expect([failure.leg, failure.code]).toEqual(['target', 'name-not-found']);
  });

  it('host key that is not the pinned one, with the fingerprint shown', async () => {
    const other = await startSshTarget();
    const pinnedHostKeys = other.hostKeys;
    await other.stop();
    const failure = await failureOf(openSshSession(optionsFor(target, { target: { pinnedHostKeys } })));
    expect(failure.code).toBe('host-key-mismatch');
    expect(failure.hostKey?.fingerprint).toMatch(/^SHA256:[\w+/]{43}$/);
  });

  it.each([0, 1, 2])('each of the host keys can be the pinned one (%i)', async (index) => {
    const pinnedHostKeys = target.hostKeys.slice(index, index + 1);
    const { session } = await start({ target: { pinnedHostKeys } });
    expect(session.hostKey.key).toBe(pinnedHostKeys[0]);
    expect(session.trustedOnFirstUse).toBe(false);
  });

  it('unknown host key, unless policy trusts the first use', async () => {
    const failure = await failureOf(openSshSession(optionsFor(target, { target: { pinnedHostKeys: [] } })));
    expect(failure.code).toBe('host-key-unknown');
    expect(target.hostKeys).toContain(failure.hostKey?.key);
    const { session } = await start({ target: { pinnedHostKeys: [], trustOnFirstUse: true } });
    expect(session.trustedOnFirstUse).toBe(true);
    expect(target.hostKeys).toContain(session.hostKey.key);
  });

  it('guacd not there', async () => {
    const changes = { guacd: { host: '127.0.0.1', port: nobodysPort } };
    const failure = await failureOf(openSshSession(optionsFor(target, changes)));
    expect([failure.leg, failure.code]).toEqual(['guacd', 'guacd-unreachable']);
  });

  it('given up by its owner', async () => {
    const owner = new AbortController();
    const opening = failureOf(openSshSession(optionsFor(target, { signal: owner.signal })));
    owner.abort();
    expect((await opening).code).toBe('cancelled');
  });
});

describe.runIf(asRoot)('a loss in the middle is noticed and named', () => {
  it('guacd killed', async () => {
    const own = await startTestGuacd();
    const { session } = await start({ guacd: { host: own.host, port: own.port } });
    process.kill(own.pid, 'SIGKILL');
    const end = await session.ended;
    expect([end.leg, end.code]).toEqual(['guacd', 'guacd-lost']);
    await own.stop();
  });

  it('target killed', async () => {
    const own = await startSshTarget();
    const { session } = await start({}, own);
    await own.stop();
    const end = await session.ended;
    expect(end.leg).toBe('target');
    expect(['target-lost', 'target-closed']).toContain(end.code);
  });

  it('the owner gives up', async () => {
    const owner = new AbortController();
    const { session } = await start({ signal: owner.signal });
    owner.abort();
    expect((await session.ended).code).toBe('cancelled');
  });
});

describe.runIf(asRoot)('browsers come and go', () => {
  it('a later browser gets the whole screen and types on', async () => {
    const { session, ear, browser } = await start();
    await browser.until(() => browser.count('img') > 0, 'something to be seen');
    session.detach();
    const second = new BrowserStandIn();
    second.speakTo(session);
    await session.attach(second.view);
    await second.until(() => second.count('size') > 0 && second.count('img') > 0, 'the whole screen');
    second.type('echo sec""ond\n');
    await ear.hears('second\r\n');
  });

  it('the shell goes on while no browser is there', async () => {
    const { session, ear, browser } = await start();
    browser.type('seq 1 20000 | tail -n 20000; echo al""l\n');
    session.detach();
    await ear.hears('all\r\n');
  });

  it('a browser that takes nothing is paused, and let go before guacd would end the session', async () => {
    let stalled = () => {};
    const letGo = new Promise<void>((resolve) => (stalled = resolve));
    const { session, ear, browser } = await start({ onStalled: () => stalled(), stallMs: 300 });
    browser.room = false;
    browser.type('seq 1 3000; echo en""d\n');
    await letGo;
    await ear.hears('end\r\n');
    const seen = browser.bytes;
    const again = new BrowserStandIn();
    again.speakTo(session);
    await session.attach(again.view);
    await again.until(() => again.count('img') > 0, 'the whole screen');
    expect(browser.bytes).toBe(seen);
  });
});

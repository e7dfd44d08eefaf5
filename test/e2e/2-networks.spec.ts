// The networks that people have: a browser and a gateway, each behind address translation, that meet in between.
import { test as base, expect, type BrowserContext, type Page } from '@playwright/test';
import { account, connect, disconnect, run, targetFile, unlock } from './person.ts';
import { moveInApart, ThreeNetworks } from './three-networks.ts';

const machine = 'Build server';

interface Apart {
  readonly three: ThreeNetworks;
  readonly context: BrowserContext;
}

const test = base.extend<object, { apart: Apart }>({
  apart: [
    async ({ playwright }, use) => {
      const three = await ThreeNetworks.start(playwright.chromium);
      try {
        const context = await three.browser.newContext();
        await context.addInitScript(keepConnections);
        const page = await context.newPage();
        await moveInApart(page, three, machine);
        await page.close();
        await use({ three, context });
      } finally {
        await three.stop();
      }
    },
    { scope: 'worker', timeout: 120_000 },
  ],
});

/** In the page: its peer connections, so that a test can ask them for their way. */
function keepConnections(): void {
  const kept: RTCPeerConnection[] = [];
  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      kept.push(this);
    }
  };
  Object.assign(window, { keptConnections: kept });
}

/** The two ends of the way that the open session takes, as the browser's ICE has it: their kinds, and how a relay is spoken to. */
async function wayOf(page: Page): Promise<string> {
  return await page.evaluate(async () => {
    const { keptConnections } = window as unknown as { keptConnections: RTCPeerConnection[] };
    const open = keptConnections.find(({ connectionState }) => connectionState === 'connected');
    const stats = new Map<string, Record<string, string>>(await open?.getStats());
    const transport = [...stats.values()].find(({ type }) => type === 'transport');
    const pair = stats.get(transport?.['selectedCandidatePairId'] ?? '');
    const local = stats.get(pair?.['localCandidateId'] ?? '');
    const remote = stats.get(pair?.['remoteCandidateId'] ?? '');
    const relayedBy = local?.['relayProtocol'] ? ` by ${local['relayProtocol']}` : '';
    return `${local?.['candidateType'] ?? 'none'}${relayedBy} to ${remote?.['candidateType'] ?? 'none'}`;
  });
}

/** A new page, so a new search for a way; a session in it, and what is typed there happens on the machine. */
async function session({ three, context }: Apart, name: string, way: RegExp): Promise<void> {
  const page = await context.newPage();
  await page.goto(three.server.url);
  await unlock(page, account.password);
  await connect(page, machine);
  await run(page, `echo ${name} > ${name}.txt`);
  expect(await targetFile(three, `${name}.txt`)).toBe(name);
  // It begins through the server where that is quicker, and moves to the better way.
  await expect.poll(() => wayOf(page), { timeout: 30_000 }).toMatch(way);
  await disconnect(page);
  await page.close();
}

test('two networks whose addresses STUN can tell are joined directly', async ({ apart }) => {
  await session(apart, 'direct', /^(srflx|prflx) to (srflx|prflx)$/);
});

test('a user behind symmetric translation reaches the gateway by a relay', async ({ apart }) => {
  await apart.three.networks.translate('user', 'symmetric');
  await session(apart, 'symmetric-user', /^relay by \w+ to|to relay$/);
});

test('a gateway behind symmetric translation is reached by a relay', async ({ apart }) => {
  await apart.three.networks.translate('user', 'cone');
  await apart.three.networks.translate('customer', 'symmetric');
  await session(apart, 'symmetric-gateway', /^relay by \w+ to|to relay$/);
});

test('a user’s network that lets no UDP out reaches the relay by TCP', async ({ apart }) => {
  await apart.three.networks.translate('customer', 'cone');
  await apart.three.networks.translate('user', 'no-udp');
  await session(apart, 'without-udp', /^relay by (tcp|tls) to/);
});

test('a user’s network that lets TLS alone out reaches the relay by TLS', async ({ apart }) => {
  await apart.three.networks.translate('user', 'tls-alone');
  await session(apart, 'tls-alone', /^relay by tls to/);
});

test('with a gateway behind symmetric translation, the relay by TLS still does', async ({ apart }) => {
  await apart.three.networks.translate('customer', 'symmetric');
  await session(apart, 'tls-to-symmetric', /^relay by tls to/);
});

test('where the server is all that is reached, the session goes through it', async ({ apart }) => {
  await apart.three.networks.translate('user', 'server-alone');
  await session(apart, 'server-alone', /^none to none$/);
});

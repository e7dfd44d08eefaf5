import { flushSync, mount, unmount, type Component } from 'svelte';
import { afterEach, expect, test } from 'vitest';
import HostKeyQuestion from '../../../web/session/HostKeyQuestion.svelte';
import LatencyFigure from '../../../web/session/LatencyFigure.svelte';
import LegList from '../../../web/session/LegList.svelte';
import { LegTrail } from '../../../web/session/legs.svelte.ts';

let mounted: ReturnType<typeof mount> | null = null;
afterEach(async () => {
  if (mounted !== null) await unmount(mounted);
  mounted = null;
});

function show<Props extends Record<string, unknown>>(component: Component<Props>, props: Props): string {
  mounted = mount(component, { target: document.body, props });
  flushSync();
  return document.body.textContent?.replace(/\s+/g, ' ').trim() ?? '';
}

const pairs = Array.from({ length: 32 }, (_, at) => (at + 160).toString(16).toUpperCase());
const certificate = pairs.join(':');

test.each([
  ['a certificate’s, eight pairs to a line', 'x509 AAAA', certificate, [0, 8, 16, 24]],
  ['a host key’s, as one word', 'ssh-ed25519 AAAA', 'SHA256:x/y+z', []],
  ['what is no row of pairs, as it is', 'x509 AAAA', `${certificate}:<b>`, []],
])('a fingerprint is shown whole: %s', (_, key, fingerprint, rows) => {
  show(HostKeyQuestion, { offer: { key, fingerprint, trustedOnFirstUse: false } });
  const code = document.querySelector('code');
  expect(code?.textContent).toBe(fingerprint);
  const shown = [...(code?.querySelectorAll('span') ?? [])].map(({ textContent }) => textContent);
  const wanted = rows.map((at) => pairs.slice(at, at + 8).join(':') + (at < 24 ? ':' : ''));
  expect(shown).toEqual(wanted);
});

test.each([
  [true, 'Latency: through the server gateway 23 + target 1.3 ms'],
  [false, 'Latency: gateway 23 + target 1.3 ms'],
])('the latency says in words whether the session goes through the server: %s', (throughServer, words) => {
  const text = show(LatencyFigure, { gatewayMs: 23.2, targetMs: 1.3, throughServer });
  expect(text.startsWith(words)).toBe(true);
  const title = document.querySelector('.latency')?.getAttribute('title') ?? '';
  expect(title.includes('through the server, sealed, because there is no direct path')).toBe(throughServer);
});

test('the legs name the way through the server where the peer connection would be', () => {
  const trail = new LegTrail();
  const text = show(LegList, { trail });
  expect(text).toContain('Peer connection');
  trail.throughServer = true;
  flushSync();
  expect(document.body.textContent).toContain('Through the server, no direct path');
  expect(document.body.textContent).not.toContain('Peer connection');
});

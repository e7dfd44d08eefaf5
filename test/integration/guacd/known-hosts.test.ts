// What guacd's FreeRDP believes of a certificate that no authority vouches for, by itself: real guacd, real xrdp.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import net from 'node:net';
import tls from 'node:tls';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGuacd } from '../../../gateway/guacd/connection.ts';
import { knownHostsIn } from '../../../gateway/guacd/known-hosts.ts';
import { leaseGuacd } from '../../../gateway/guacd/lease.ts';
import { openGuacdSession } from '../../../gateway/targets/guacd-session.ts';
import type { RdpSettings } from '../../../protocol/records/session-settings.ts';
import { describeCertificate } from '../../../gateway/targets/rdp-certificate.ts';
import type { GuacdPool } from '../../../scripts/process/guacd-pool.ts';
import { startRdpTarget, type DesktopTarget } from '../../fixtures/desktop-target.ts';
import { startTestGuacdPool } from '../../fixtures/guacd.ts';

const common = {
  display: { width: 800, height: 600, dpi: 96 },
  policy: { disableCopy: false, disablePaste: false },
  signal: new AbortController().signal,
};
const rdp: RdpSettings = {
  ...{ protocol: 'rdp', security: 'any', ignoreCert: false, disableAuth: false, loadBalanceInfo: '' },
  ...{ preconnectionId: null, preconnectionBlob: '', disableAudio: true, enableFullWindowDrag: false },
  ...{ enableWallpaper: false, resizes: false, drive: null },
};

describe.runIf(process.getuid?.() === 0)('FreeRDP, with the certificates that the gateway names', () => {
  let guacd: GuacdPool;
  let windows: DesktopTarget;
  let certificate: Buffer;
  let folder: string;

  beforeAll(async () => {
    [guacd, windows] = await Promise.all([startTestGuacdPool(), startRdpTarget()]);
    folder = guacd.place.freerdp ?? '';
    certificate = await certificateOf(windows);
  });
  afterAll(async () => {
    await Promise.all([guacd?.stop(), windows?.stop()]);
    expect(existsSync(folder)).toBe(false);
  });

  /** As it comes to any machine, be it by another one's word. */
  async function comesInto(): Promise<boolean> {
    const lease = await leaseGuacd(guacd.place, 5_000, common.signal);
    const parameters = {
      ...{ hostname: windows.host, port: String(windows.port), username: 'ada', password: windows.password },
      ...{ security: 'tls', 'ignore-cert': 'false', 'disable-audio': 'true', width: '800', height: '600' },
    };
    const { host, port } = lease;
    const session = await openGuacd({ ...common, host, port, select: { protocol: 'rdp' }, parameters });
    const into = await Promise.race([session.inSession.then(() => true), session.ended.then(() => false)]);
    await session.close();
    lease.release();
    return into;
  }

  test('goes to nobody else than whom they name, there and while it is named', async () => {
    expect(await comesInto()).toBe(false);
    const known = knownHostsIn(folder, guacd.place.account);
    const forgetOther = await known.add(windows.host, windows.port + 1, certificate);
    const changed = Buffer.from(certificate).reverse();
    const forgetFalse = await known.add(windows.host, windows.port, changed);
    expect(await comesInto()).toBe(false);
    await forgetFalse();
    const forget = await known.add(windows.host, windows.port, certificate);
    expect(await comesInto()).toBe(true);
    await forget();
    await forgetOther();
    expect(await comesInto()).toBe(false);
    expect(readFileSync(join(folder, 'known_hosts2'), 'utf8')).toBe('');
  });

  test('a pinned machine is met with FreeRDP’s own look at it, and named no longer than that', async () => {
    const { key } = describeCertificate(certificate);
    const session = await openGuacdSession({
      ...{ ...common, guacd: guacd.place, settings: rdp, terminal: {} },
      target: { host: windows.host, port: windows.port },
      trust: { pinned: [key], trustOnFirstUse: false },
      credential: { username: 'ada', password: windows.password },
    });
    const drawn = Promise.withResolvers<void>();
    await session.attach((bytes) => {
      if (Buffer.from(bytes).includes('3.img,')) drawn.resolve();
      return true;
    });
    await drawn.promise;
    expect(readFileSync(join(folder, 'known_hosts2'), 'utf8').split('\n')).toHaveLength(2);
    await session.close();
    await expect.poll(() => readFileSync(join(folder, 'known_hosts2'), 'utf8'), { timeout: 15_000 }).toBe('');
  });
});

async function certificateOf({ host, port }: DesktopTarget): Promise<Buffer> {
  const socket = net.connect(port, host);
  await once(socket, 'connect');
  socket.write(Buffer.from('030000130ee000000000000100080003000000', 'hex'));
  await once(socket, 'data');
  const secure = tls.connect({ socket, rejectUnauthorized: false });
  await once(secure, 'secureConnect');
  const { raw } = secure.getPeerCertificate();
  secure.destroy();
  return raw;
}

// FreeRDP's plug-ins for channels where FreeRDP looks for them, whoever starts guacd.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { reachChannels } from '../../../scripts/process/guacd-channels.ts';
import { guacdFolder, prepareGuacd } from '../../../scripts/process/guacd.ts';
import type { GuacdPool } from '../../../scripts/process/guacd-pool.ts';
import { root } from '../../../scripts/process/tool.ts';
import { asAccount, canReach } from '../../../server/store/unprivileged-account.ts';
import { startTestGuacdPool } from '../../fixtures/guacd.ts';

const asRoot = process.getuid?.() === 0;
/** Who has no right here; a checkout below /root they cannot read. */
const nobody = { uid: 65_534, gid: 65_534, dropped: true };
const nobodyReads = asRoot && canReach(nobody, join(root, 'scripts/process'));
const plugin = 'freerdp2/libguac-common-svc-client.so';
let pool: GuacdPool | null = null;

afterEach(async () => {
  await pool?.stop();
  pool = null;
});

test('a guacd of the pool sees them, is the process that was started, and the machine is as it was', async () => {
  const launch = await prepareGuacd({ folder: guacdFolder });
  const system = `/${launch.unpacked?.libraries ?? `usr/lib/${process.arch}-linux-gnu`}`;
  const before = readdirSync(system);
  pool = await startTestGuacdPool();
  expect(pool.place.plugins).toBe(true);
  const [pid = 0] = pool.pids();
  expect(readFileSync(`/proc/${pid}/comm`, 'utf8').trim()).toBe('guacd');
  expect(existsSync(join(`/proc/${pid}/root`, system, plugin))).toBe(true);
  expect(readdirSync(system)).toEqual(before);
  await pool.stop();
  expect(existsSync(`/proc/${pid}`)).toBe(false);
});

describe.runIf(nobodyReads)('another user than root', () => {
  const [setpriv = '', ...ids] = asAccount(nobody, 'TERM');

  test('has them in a user namespace, over which guacd keeps no right', async () => {
    const program = await prepareGuacd({ folder: guacdFolder });
    const module = join(root, 'scripts/process/guacd-channels.ts');
    const script = `import { reachChannels } from ${JSON.stringify(module)};
      console.log(JSON.stringify(reachChannels(${JSON.stringify(program)}, console.error)));`;
    const told = execFileSync(setpriv, [...ids, process.execPath, '--input-type=module', '-e', script], {
      encoding: 'utf8',
      cwd: '/',
      env: { PATH: process.env['PATH'] },
    });
    const { within, giveUp, plugins } = JSON.parse(told) as ReturnType<typeof reachChannels>;
    expect(plugins).toBe(true);
    const seen = [
      'sh',
      '-c',
      `test -r /${program.unpacked?.libraries}/${plugin} && grep ^Cap /proc/self/status`,
    ];
    const command = [...ids, ...within, 'setpriv', ...giveUp, ...seen];
    const { stdout } = spawnSync(setpriv, command, { encoding: 'utf8', cwd: '/' });
    const capabilities = stdout
      .trim()
      .split('\n')
      .map((line) => line.split(/\s+/)[1]);
    expect(capabilities).toEqual([...Array(5)].map(() => '0'.repeat(16)));
  });
});

test('where no namespace can be made that is said, and guacd starts without', () => {
  const lines: string[] = [];
  const unpacked = { folder: '/nowhere', libraries: 'usr/lib/nowhere' };
  const channels = reachChannels({ file: '', environment: {}, unpacked }, (line) => lines.push(line));
  expect(channels).toEqual({ within: [], giveUp: [], plugins: false });
  expect(lines.join()).toContain('RDP without drive and sound');
});

test('a guacd that the system has needs nothing of it', () => {
  const program = { file: '/usr/sbin/guacd', environment: {}, unpacked: null };
  expect(reachChannels(program)).toEqual({ within: [], giveUp: [], plugins: true });
});

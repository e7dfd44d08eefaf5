// Debian packages that the commands need: which, what for, and how they come onto the machine.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';

export type Purpose = 'demo' | 'test';

export type DebianPackage = {
  readonly name: string;
  /** Present when any of these files is. */
  readonly files: readonly string[];
  readonly reason: string;
  readonly purposes: readonly Purpose[];
  /** Nobody asked for these of the package to run by themselves. */
  readonly services?: readonly string[];
};

export const debianPackages: readonly DebianPackage[] = [
  {
    name: 'openssh-server',
    files: ['/usr/sbin/sshd'],
    reason: 'a real SSH server as target of the demo and of the tests (started by them on loopback only)',
    purposes: ['demo', 'test'],
    services: ['ssh.service'],
  },
  {
    name: 'tigervnc-standalone-server',
    files: ['/usr/bin/Xtigervnc'],
    reason: 'a real VNC server as target of the tests',
    purposes: ['test'],
  },
  {
    name: 'tigervnc-tools',
    files: ['/usr/bin/tigervncpasswd'],
    reason: 'the password file of that VNC server',
    purposes: ['test'],
  },
  {
    name: 'xterm',
    files: ['/usr/bin/xterm'],
    reason: 'what is seen on that desktop, and takes what is typed',
    purposes: ['test'],
  },
  {
    name: 'xrdp',
    files: ['/usr/sbin/xrdp'],
    reason: 'a real RDP server as target of the tests',
    purposes: ['test'],
    services: ['xrdp.service', 'xrdp-sesman.service'],
  },
  {
    name: 'pulseaudio',
    files: ['/usr/bin/pulseaudio'],
    reason: 'a real sound server beside the VNC server, with nobody else listening (started by the tests)',
    purposes: ['test'],
  },
  {
    name: 'pulseaudio-utils',
    files: ['/usr/bin/pacat'],
    reason: 'what plays sound on it',
    purposes: ['test'],
  },
  {
    name: 'inetutils-telnetd',
    files: ['/usr/sbin/telnetd'],
    reason: 'a real telnet server as target of the tests',
    purposes: ['test'],
    services: ['inetutils-inetd.service', 'inetutils-syslogd.service'],
  },
  {
    name: 'coturn',
    files: ['/usr/bin/turnserver'],
    reason: 'a real STUN and TURN server, by which the tests reach a gateway (started by them)',
    purposes: ['test'],
    services: ['coturn.service'],
  },
  {
    name: 'iproute2',
    files: ['/usr/sbin/ip', '/sbin/ip'],
    reason: 'networks of the tests’ own, in which user, server and gateway are apart',
    purposes: ['test'],
  },
  {
    name: 'nftables',
    files: ['/usr/sbin/nft'],
    reason: 'address translation and firewalls between those networks',
    purposes: ['test'],
    services: ['nftables.service'],
  },
  {
    name: 'chromium',
    files: ['/usr/bin/chromium', process.env['CHROMIUM'] ?? '/usr/bin/chromium'],
    reason: 'the browser of the vector, component and end-to-end tests',
    purposes: ['test'],
  },
  {
    name: 'fonts-dejavu-core',
    files: ['/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf'],
    reason: 'letters for the screens that the browser of the tests draws',
    purposes: ['test'],
  },
];

/** What the purpose needs and this machine lacks. */
export function missingPackages(
  purpose: Purpose,
  isThere: (file: string) => boolean = existsSync,
): readonly DebianPackage[] {
  return debianPackages.filter(({ purposes, files }) => purposes.includes(purpose) && !files.some(isThere));
}

/**
 * Installs what is missing when this is root. Otherwise throws with the exact commands and what each package is for:
 * nobody is asked for a password from within.
 */
export async function providePackages(purpose: Purpose, log: (line: string) => void): Promise<void> {
  const missing = missingPackages(purpose);
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get'))
    throw new Error(instructions(purpose, missing));
  for (const { name, reason } of missing) log(`installing ${name}: ${reason}`);
  await withoutServiceStarts(async () => {
    await install(missing, log);
  });
  await disableServices(missing.flatMap(({ services = [] }) => services));
  const still = missingPackages(purpose);
  if (still.length > 0) throw new Error(instructions(purpose, still));
}

/** What a person without root has to do. */
export function instructions(purpose: Purpose, missing: readonly DebianPackage[]): string {
  const reasons = missing.map(({ name, reason }) => `  ${name}: ${reason}`);
  return [
    `the ${purpose} needs Debian packages that are not installed:`,
    ...reasons,
    'Install them with',
    '  sudo apt-get update',
    `  sudo apt-get install --no-install-recommends ${missing.map(({ name }) => name).join(' ')}`,
    'and run this command again. (As root it installs them itself.)',
  ].join('\n');
}

/** The lists of a new machine are empty or old: one update is worth its time before giving up. */
async function install(missing: readonly DebianPackage[], log: (line: string) => void): Promise<void> {
  const args = ['install', '-y', '--no-install-recommends', ...missing.map(({ name }) => name)];
  if (await aptGet(args)) return;
  log('reading new package lists (apt-get update)');
  await aptGet(['update']); // a source that fails need not be one of those needed here
  if (!(await aptGet(args))) throw new Error(`apt-get ${args.join(' ')} failed: its messages are above`);
}

/** True when it ended well. Its output goes to standard error. */
async function aptGet(args: readonly string[]): Promise<boolean> {
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const child = spawn('apt-get', ['-q', ...args], { env: environment, stdio: ['ignore', 2, 2] });
  const [code] = await once(child, 'exit');
  return code === 0;
}

const policyFile = '/usr/sbin/policy-rc.d';
const policyText =
  '#!/bin/sh\n# Sallyport: no service is started while its packages are installed.\nexit 101\n';

/** Installing a package starts its service unless this file forbids it: nobody asked for an SSH server on port 22. */
async function withoutServiceStarts(work: () => Promise<void>): Promise<void> {
  const leftOver = existsSync(policyFile) && readFileSync(policyFile, 'utf8') === policyText;
  const ours = leftOver || !existsSync(policyFile);
  if (ours) writeFileSync(policyFile, policyText, { mode: 0o755 });
  try {
    await work();
  } finally {
    if (ours) rmSync(policyFile);
  }
}

/** Nor should they start by themselves at the next boot. */
async function disableServices(services: readonly string[]): Promise<void> {
  if (services.length === 0 || !existsSync('/usr/bin/systemctl')) return;
  const child = spawn('systemctl', ['disable', ...services], { stdio: ['ignore', 2, 2] });
  await once(child, 'exit');
}

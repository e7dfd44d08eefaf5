// FreeRDP's channel plug-ins where FreeRDP looks for them: without them RDP has neither drive nor sound.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { GuacdProgram } from '../setup/guacd.ts';

/** How guacd comes to its plug-ins for channels. */
export type GuacdChannels = {
  /** What its command line begins with, before the account is changed. Each part hands the process on: no other one stays. */
  readonly within: readonly string[];
  /** Rights that it is to lose once it is there. */
  readonly giveUp: readonly string[];
  /** Whether it has them; else RDP sessions go on without drive and sound. */
  readonly plugins: boolean;
};

const plainly = { within: [], giveUp: [] };
const plugin = 'libguac-common-svc-client.so';

/** Lays the first folder over the second, and becomes what follows. */
const laidOver = [
  'sh',
  '-c',
  'mount -t overlay overlay -o "lowerdir=$1:$2" "$2" && shift 2 && exec "$@"',
  'sh',
];

/**
 * FreeRDP loads them from one absolute folder of the system. Where guacd is installed they are there; the unpacked one is
 * started in a mount namespace of its own, in which its libraries lie over the system's. `log` hears why that cannot be.
 */
export function reachChannels(
  program: GuacdProgram,
  log: (line: string) => void = () => undefined,
): GuacdChannels {
  const { unpacked } = program;
  if (unpacked === null) return { ...plainly, plugins: true };
  const system = join('/', unpacked.libraries);
  if (existsSync(join(system, 'freerdp2', plugin))) return { ...plainly, plugins: true };
  const way = namespaceFor(join(unpacked.folder, unpacked.libraries), system);
  const [file = '', ...args] = [...way.within, 'test', '-r', join(system, 'freerdp2', plugin)];
  const tried = spawnSync(file, args, { encoding: 'utf8', cwd: '/' });
  if (tried.status === 0) return { ...way, plugins: true };
  const reason = tried.stderr?.trim() || tried.error?.message || 'the plug-ins are not seen there';
  log(
    `RDP without drive and sound: guacd gets no mount namespace of its own (${reason}); install guacd for them`,
  );
  return { ...plainly, plugins: false };
}

/** Root may do so; others in a user namespace, whose rights over it guacd does not keep. */
function namespaceFor(over: string, system: string): Omit<GuacdChannels, 'plugins'> {
  const root = process.getuid?.() === 0;
  const unshare = root ? ['unshare', '--mount'] : ['unshare', '--user', '--map-root-user', '--mount'];
  const giveUp = root ? [] : ['--bounding-set=-all', '--inh-caps=-all', '--no-new-privs'];
  return { within: [...unshare, ...laidOver, over, system], giveUp };
}

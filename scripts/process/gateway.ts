// The gateway as a child process.
import { join } from 'node:path';
import type { GuacdPlace } from '../../gateway/guacd/lease.ts';
import type { LogFile } from './log-file.ts';
import type { OwnedChild } from './owned-child.ts';
import { startOwnedChild } from './owned-child.ts';
import { root } from './tool.ts';

export type GatewayOptions = {
  /** Who it is: written by the enrolment, mode 0600. */
  readonly config: string;
  readonly log: LogFile;
  /** What its command line begins with: another network namespace. */
  readonly within?: readonly string[];
};

const program = join(root, 'gateway/main.ts');

/** Enrols a gateway with a one-time token, which goes by the environment: other users can read command lines. */
export async function enrolGateway(
  options: GatewayOptions & {
    server: string;
    token: string;
    settings?: Readonly<Record<string, string>>;
  },
): Promise<void> {
  const { config, log, server, token, settings, within = [] } = options;
  const child = await startOwnedChild({
    name: 'gateway enrolment',
    command: [...within, process.execPath, program, 'enrol', '--server', server, '--config', config],
    folder: root,
    environment: { ...process.env, ...settings, SALLYPORT_GATEWAY_TOKEN: token },
    line: log.line,
  });
  const { code } = await child.drained;
  if (code !== 0) throw new Error(`the gateway could not be enrolled${log.lastWords()}`);
}

/** What tells a gateway where its guacd is. */
export function guacdEnvironment(place: GuacdPlace): Record<string, string> {
  const { plugins = true, account, freerdp } = place;
  return {
    ...('pool' in place
      ? { GUACD_POOL: place.pool, GUACD_HOST: '' }
      : { GUACD_HOST: place.host, GUACD_PORT: String(place.port) }),
    ...(!plugins && { GUACD_PLUGINS: 'false' }),
    ...(freerdp !== undefined && { GUACD_FREERDP: freerdp }),
    ...(account && { GUACD_ACCOUNT: `${account.uid}:${account.gid}` }),
  };
}

/** Starts an enrolled gateway. When it is connected, the server knows: that is the caller's to wait for. */
export function startGatewayProcess(
  options: GatewayOptions & {
    guacd: GuacdPlace;
    settings?: Readonly<Record<string, string>>;
  },
): Promise<OwnedChild> {
  const { config, log, guacd, settings } = options;
  return startOwnedChild({
    name: 'gateway',
    command: [process.execPath, program, '--config', config],
    folder: root,
    environment: { ...process.env, ...guacdEnvironment(guacd), ...settings },
    line: log.line,
  });
}

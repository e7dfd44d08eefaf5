import { parseArgs } from 'node:util';
import { ConfigError } from './config.ts';
import { defaultConfigPath } from './config-source.ts';
import { settingsHelp, type SettingName } from './settings.ts';

export const helpText = `usage: gateway [run] [OPTIONS]          run this gateway
       gateway enrol --server URL [OPTIONS]  turn a one-time token into a configuration
       gateway info [OPTIONS]           say who this gateway is and whom it believes

Options:
  --config FILE            where the configuration is (default ${defaultConfigPath()})
  --server URL             enrol: address of the server
  --token TOKEN            enrol: better in SALLYPORT_GATEWAY_TOKEN or on standard input, because other
                           users of this machine can read command lines
  --guacd-host, --guacd-port, --bind, --port, --ca, --log-level
                           the settings below, as options
  --help

Settings, from the environment:
${settingsHelp}
  SALLYPORT_GATEWAY_TOKEN  enrol: the one-time token
  SALLYPORT_GATEWAY_CONFIG the whole configuration file in base64, instead of a file
  SALLYPORT_GATEWAY_VERSIONS  with it: a file that keeps the newest roster version seen over restarts
`;

const settingOptions: Readonly<Record<string, SettingName>> = {
  'guacd-host': 'GUACD_HOST',
  'guacd-port': 'GUACD_PORT',
  bind: 'SALLYPORT_GATEWAY_BIND',
  port: 'SALLYPORT_GATEWAY_PORT',
  ca: 'SALLYPORT_GATEWAY_CA',
  'log-level': 'LOG_LEVEL',
};

export type CommandName = 'run' | 'enrol' | 'info' | 'help';

export interface Arguments {
  readonly command: CommandName;
  readonly config: string | null;
  readonly server: string | null;
  readonly token: string | null;
  /** The environment with the options over it. */
  readonly environment: Readonly<Partial<Record<string, string>>>;
}

/** Throws {@link ConfigError} naming what is wrong. */
export function readArguments(args: readonly string[], environment: NodeJS.ProcessEnv): Arguments {
  const { values, positionals } = parse(args);
  const text = (name: string) => {
    const value = Object.entries(values).find(([given]) => given === name)?.[1];
    return typeof value === 'string' && value !== '' ? value : null;
  };
  const given = Object.entries(settingOptions).flatMap(([option, name]) => {
    const value = text(option);
    return value === null ? [] : [[name, value] as const];
  });
  return {
    command: values.help === true ? 'help' : commandIn(positionals),
    config: text('config'),
    server: text('server'),
    token: text('token') ?? (environment['SALLYPORT_GATEWAY_TOKEN'] || null),
    environment: { ...environment, ...Object.fromEntries(given) },
  };
}

function parse(args: readonly string[]) {
  const names = ['config', 'server', 'token', ...Object.keys(settingOptions)];
  const options = {
    help: { type: 'boolean', short: 'h' } as const,
    ...Object.fromEntries(names.map((name) => [name, { type: 'string' } as const])),
  };
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new ConfigError('arguments', error instanceof Error ? error.message : 'not understood');
  }
}

function commandIn(positionals: readonly string[]): CommandName {
  const [name = 'run', ...rest] = positionals;
  if (name === 'help' || rest.length > 0) return 'help';
  if (name === 'run' || name === 'enrol' || name === 'info') return name;
  throw new ConfigError('arguments', `there is no command ${name} (--help lists them)`);
}

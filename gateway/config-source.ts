import { homedir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, parseConfig, type GatewayConfig } from './config.ts';
import { readPrivateFile } from './private-file.ts';
import { SessionPolicyFile } from './oversight/session-policy-file.ts';
import { RisingState } from './rising-state.ts';

type Environment = Readonly<Partial<Record<string, string>>>;

const configVariable = 'SALLYPORT_GATEWAY_CONFIG';

export interface LoadedConfig {
  readonly config: GatewayConfig;
  readonly state: RisingState;
  readonly policyFile: SessionPolicyFile;
  /** Where recordings wait for the server unless a setting says; null: nowhere. */
  readonly recordingsFolder: string | null;
  /** The same of the drives of running sessions. */
  readonly drivesFolder: string | null;
}

/** Where the configuration is when nobody says. */
export function defaultConfigPath(): string {
  return join(homedir(), '.sallyport', 'gateway.json');
}

/** Beside the configuration: what changes in every run. */
export function versionsPath(configPath: string): string {
  return `${configPath.replace(/\.json$/, '')}.versions.json`;
}

/** Beside the file of what was seen: who may look on at sessions here. */
export function sessionPolicyPath(versions: string): string {
  return `${versions.replace(/(\.versions)?\.json$/, '')}.sessions.json`;
}

/** Beside the configuration: recordings that wait for the server. */
export function recordingsPath(configPath: string): string {
  return `${configPath.replace(/\.json$/, '')}.recordings`;
}

/** Beside the configuration: the drives of running sessions. */
export function drivesPath(configPath: string): string {
  return `${configPath.replace(/\.json$/, '')}.drives`;
}

/** The configuration of the environment, which is whole in one variable, else of the file. Throws {@link ConfigError}. */
export async function loadConfig(environment: Environment, file: string | null): Promise<LoadedConfig> {
  const inline = environment[configVariable];
  if (inline && file === null) return await fromVariable(inline, environment);
  const path = file ?? defaultConfigPath();
  const text = await readPrivateFile(path);
  if (text === null) throw new ConfigError(path, 'is not there; enrol this gateway first (enrol --help)');
  return {
    ...(await withState(parseConfig(text), versionsPath(path))),
    recordingsFolder: recordingsPath(path),
    drivesFolder: drivesPath(path),
  };
}

/** A container has no file of its own; SALLYPORT_GATEWAY_VERSIONS names one on a volume, else a restart forgets. */
async function fromVariable(inline: string, environment: Environment): Promise<LoadedConfig> {
  const text = Buffer.from(inline, 'base64').toString('utf8');
  const versions = environment['SALLYPORT_GATEWAY_VERSIONS'] || null;
  const folders = { recordingsFolder: null, drivesFolder: null };
  return { ...(await withState(parseConfig(text), versions)), ...folders };
}

async function withState(config: GatewayConfig, path: string | null) {
  const policyFile = await SessionPolicyFile.open(path === null ? null : sessionPolicyPath(path));
  return { config, policyFile, state: await RisingState.open(path, { roster: config.rosterVersion }) };
}

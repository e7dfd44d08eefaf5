import type { DisplaySettings } from '../../protocol/messages/gen/command_pb.js';
import type { Drive, Drives } from '../drive/drives.ts';
import { fileSettingsOf } from '../files/session-files.ts';
import type { Settings } from '../settings.ts';
import { JumpWay } from '../ssh/jump-way.ts';
import type { TargetWay } from '../ssh/target-way.ts';
import { openGuacdSession } from '../targets/guacd-session.ts';
import { SessionFailure } from '../terminal/failure.ts';
import type { TerminalSettings } from '../terminal/settings.ts';
import { openSshSession } from '../terminal/ssh-session.ts';
import type { ShellOrder, TrustedJump } from './connector.ts';
import type { Shell, ShellHooks } from './session.ts';

/** Opens the session that a sealed record and a sealed request ask for. */
export async function openShell(
  { guacd, drives }: Pick<Settings, 'guacd'> & { readonly drives: Pick<Drives, 'open'> | null },
  { machine, credential, request, trustedKeys, recorder, jump }: ShellOrder,
  hooks: ShellHooks,
): Promise<Shell> {
  const { host, port, connection, settings } = machine;
  const { scrollback, disableCopy, disablePaste } = connection;
  const timezone = timezoneOf(request.display);
  const way = jump && wayThrough(jump, hooks);
  const shown = {
    ...(way && { way }),
    ...{ guacd, display: displayOf(request.display), policy: { disableCopy, disablePaste } },
    ...(timezone !== null && { timezone }),
    ...(recorder?.picture && { recorder: recorder.picture }),
    ...(recorder?.shell && { tap: recorder.shell }),
    ...hooks,
  };
  const terminal = { ...lookOf(connection, request.display), scrollback };
  const trustOnFirstUse = connection.hostKeyPolicy === 'trust-on-first-use';
  if (settings.protocol !== 'ssh') {
    const wanted = drives !== null && fileSettingsOf(settings, { drive: true }) !== null;
    return openGuacdSession({
      ...shown,
      drive: wanted ? await openDrive(drives) : null,
      target: { host, port },
      settings,
      trust: { pinned: trustedKeys, trustOnFirstUse },
      terminal,
      credential: credential ?? {},
    });
  }
  if (credential === null) throw new SessionFailure('login', 'credential-needed');
  return openSshSession({
    ...shown,
    target: { host, port, pinnedHostKeys: trustedKeys, trustOnFirstUse },
    credential,
    settings: terminal,
    ...(settings.command !== '' && { command: settings.command }),
  });
}

/** Why it could not be made, the log says. */
async function openDrive(drives: Pick<Drives, 'open'>): Promise<Drive> {
  const failed = () => new SessionFailure('gateway', 'drive-failed', 'the drive could not be made');
  return drives.open().catch(() => Promise.reject(failed()));
}

function wayThrough({ machine, credential, trustedKeys }: TrustedJump, hooks: ShellHooks): TargetWay {
  const { host, port } = machine;
  const { signal, onProgress } = hooks;
  return new JumpWay({ host, port, credential, pinnedHostKeys: trustedKeys, signal, onProgress });
}

/** As the person has it on their device, or as the record says; what is neither is brought in bounds with the rest. */
function lookOf(
  { fontSize, colorScheme }: ShellOrder['machine']['connection'],
  wished: DisplaySettings | undefined,
): Pick<TerminalSettings, 'fontSize' | 'colorScheme'> {
  return {
    fontSize: wished?.fontSize || fontSize,
    colorScheme: wished?.colorScheme || colorScheme,
  };
}

function displayOf(display: DisplaySettings | undefined) {
  const { width = 1024, height = 768, dpi = 96 } = display ?? {};
  return { width: within(width, 64, 16_384), height: within(height, 64, 16_384), dpi: within(dpi, 48, 480) };
}

function within(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value));
}

/** An IANA name; anything else could be more than a time zone to the target's shell. */
function timezoneOf(display: DisplaySettings | undefined): string | null {
  const name = display?.timezone ?? '';
  return /^[A-Za-z][\w+/-]{0,63}$/.test(name) ? name : null;
}

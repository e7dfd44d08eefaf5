import type { DisplaySettings } from '../../protocol/messages/gen/command_pb.js';
import type { Settings } from '../settings.ts';
import { openSshSession } from '../terminal/ssh-session.ts';
import type { ShellOrder } from './connector.ts';
import type { Shell, ShellHooks } from './session.ts';

/** Opens the shell that a sealed record and a sealed request ask for. */
export function openShell(
  { guacd }: Pick<Settings, 'guacd'>,
  { machine, credential, request, trustedKeys }: ShellOrder,
  hooks: ShellHooks,
): Promise<Shell> {
  const { host, port, connection } = machine;
  const timezone = timezoneOf(request.display);
  return openSshSession({
    target: {
      host,
      port,
      pinnedHostKeys: trustedKeys,
      trustOnFirstUse: connection.hostKeyPolicy === 'trust-on-first-use',
    },
    credential,
    display: displayOf(request.display),
    ...(timezone !== null && { timezone }),
    guacd,
    settings: {
      fontSize: connection.fontSize,
      colorScheme: connection.colorScheme,
      scrollback: connection.scrollback,
    },
    policy: { disableCopy: connection.disableCopy, disablePaste: connection.disablePaste },
    ...hooks,
  });
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

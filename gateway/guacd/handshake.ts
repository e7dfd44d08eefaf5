import { SessionFailure, withDeadline } from '../terminal/failure.ts';
import type { Instruction } from '../../protocol/guacamole/instruction.ts';
import type { InstructionSocket } from './instruction-socket.ts';
import { failureOfStatus } from './status.ts';

/** What guacd is asked for. An unknown protocol would get neither answer nor close (guacd.md), hence the list. */
const guacdProtocols = ['ssh', 'telnet', 'vnc', 'rdp'] as const;
export type GuacdProtocol = (typeof guacdProtocols)[number];

export interface Display {
  readonly width: number;
  readonly height: number;
  readonly dpi: number;
}

export interface HandshakeOptions {
  /** A new session of a protocol, or `join` with the id of a running one. */
  readonly select: { readonly protocol: GuacdProtocol } | { readonly join: string };
  readonly display: Display;
  readonly audio?: readonly string[];
  readonly video?: readonly string[];
  readonly image?: readonly string[];
  /** IANA name; the target's TZ where the protocol has such a thing. */
  readonly timezone?: string;
  /** By the names that guacd's `args` gives; names that it does not ask for are left out. */
  readonly parameters: Readonly<Record<string, string>>;
}

/**
 * Versions we speak. An answer above guacd's own is taken for an old client and loses `required` (guacd.md), so
 * newer servers too are answered with the last one here: the protocol is negotiated down, never up.
 */
const versions: readonly string[] = ['VERSION_1_0_0', 'VERSION_1_1_0', 'VERSION_1_3_0'];
const newest = 'VERSION_1_3_0';

/** Runs select, args, size, audio, video, image, timezone, connect, ready. Gives guacd's id of the session. */
export async function shakeHands(
  socket: InstructionSocket,
  options: HandshakeOptions,
  answerMs: number,
  signal: AbortSignal,
): Promise<string> {
  const { select, display } = options;
  const args = await askArguments(socket, select, answerMs, signal);
  socket.send('size', display.width, display.height, display.dpi);
  socket.send('audio', ...(options.audio ?? []));
  socket.send('video', ...(options.video ?? []));
  socket.send('image', ...(options.image ?? ['image/png', 'image/jpeg', 'image/webp']));
  if (options.timezone !== undefined && knowsTimezone(args.args)) socket.send('timezone', options.timezone);
  socket.send('connect', ...args.args.map((name) => answerTo(name, options.parameters)));
  const ready = await expect(socket, 'ready', answerMs, signal);
  return ready.args[0] ?? '';
}

/** The first half of it: what guacd wants to know for such a session. guacd drops it when the connection ends here. */
export async function askArguments(
  socket: InstructionSocket,
  select: HandshakeOptions['select'],
  answerMs: number,
  signal: AbortSignal,
): Promise<Instruction> {
  if ('protocol' in select && !guacdProtocols.includes(select.protocol)) {
    throw new SessionFailure('guacd', 'guacd-error', 'unknown protocol');
  }
  socket.send('select', 'protocol' in select ? select.protocol : select.join);
  return await expect(socket, 'args', answerMs, signal);
}

function answerTo(name: string, parameters: Readonly<Record<string, string>>): string {
  if (name.startsWith('VERSION_')) return versions.includes(name) ? name : newest;
  return Object.hasOwn(parameters, name) ? (parameters[name] ?? '') : '';
}

/** `timezone` came with protocol version 1.1.0; a 1.0.0 server announces no version at all. */
function knowsTimezone(args: readonly string[]): boolean {
  const version = args[0] ?? '';
  return version.startsWith('VERSION_') && version !== 'VERSION_1_0_0';
}

/** The next instruction must be this one; `nop` may come between. */
async function expect(
  socket: InstructionSocket,
  opcode: string,
  answerMs: number,
  signal: AbortSignal,
): Promise<Instruction> {
  const late = () => new SessionFailure('guacd', 'guacd-timed-out', `guacd did not send ${opcode} in time`);
  return withDeadline(answerMs, signal, late, async (deadline) => {
    for (;;) {
      const instruction = await socket.next(deadline);
      if (instruction.opcode === opcode) return instruction;
      if (instruction.opcode === 'error') throw failureOfStatus(instruction.args[1]);
      if (instruction.opcode !== 'nop') {
        throw new SessionFailure(
          'guacd',
          'guacamole-malformed',
          `guacd sent another instruction than ${opcode}`,
        );
      }
    }
  });
}

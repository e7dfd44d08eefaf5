import type { Readable, Writable } from 'node:stream';
import type ssh2 from 'ssh2';
import { ControlGuard } from '../../protocol/terminal/control-guard.ts';
import { OutputFlow, type ShellOutput } from './output-flow.ts';
import type { ShellExit, TargetShell } from './target-connection.ts';
import type { BridgeShell, TerminalSize } from './bridge-shell.ts';

/** Sees every byte between guacd's terminal and the target's shell: the place for recording and rules. */
export interface ShellTap {
  output(bytes: Uint8Array): void;
  input(bytes: Uint8Array): void;
  resize(size: TerminalSize): void;
}

/** Who ended it: the shell by itself, the target by closing, or guacd by leaving the bridge. */
export type ShellEnd =
  { readonly by: 'shell'; readonly exit: ShellExit } | { readonly by: 'target' | 'guacd' };

/** The signals of RFC 4254 §6.10, which are all that ssh2 writes: it throws for any other name. */
const signals: ReadonlySet<string> = new Set(
  'ABRT ALRM FPE HUP ILL INT KILL PIPE QUIT SEGV TERM USR1 USR2'.split(' '),
);
/** A shell's own status for "ended by a signal", without which one. */
const endedBySignal = 128;

/** Bytes of input under way. */
const maxInput = 64 * 1024;

interface JoinOptions {
  readonly tap?: ShellTap | null;
  readonly output?: ShellOutput;
  /** The shell has ended by itself, or was cut off; guacd is still being given its last words. */
  readonly onExit?: (exit: ShellExit) => void;
  /** Settles when guacd has drawn what it has taken: it forgets the rest when its shell ends. */
  readonly drawn?: () => Promise<void>;
}

/** Connects guacd's terminal with the target's shell until either ends, and then ends the other. */
export function joinShells(
  bridge: BridgeShell,
  shell: TargetShell,
  opened: TerminalSize,
  { tap = null, output, onExit, drawn }: JoinOptions = {},
): Promise<ShellEnd> {
  const target = shell.channel;
  const guard = new ControlGuard(opened.rows, opened.columns);
  bridge.onResize = (size) => {
    guard.resize(size.rows, size.columns);
    target.setWindow(size.rows, size.columns, size.height, size.width);
    tap?.resize(size);
  };
  tap?.resize(opened);
  // A resize may have come while the target opened its shell.
  if (bridge.terminal !== opened) bridge.onResize(bridge.terminal);
  const flow = showOutput(bridge, shell, guard, tap);
  output?.begins(flow);
  passInput(bridge.channel, target, tap);
  return new Promise((resolve) => {
    let left = false;
    void shell.ended.then(async (exit) => {
      if (!left) onExit?.(exit);
      await flow.taken();
      await drawn?.();
      endBridge(bridge.channel, exit);
      resolve(exit.status === null && exit.signal === null ? { by: 'target' } : { by: 'shell', exit });
    });
    bridge.channel.once('close', () => {
      left = true;
      target.close(); // which hangs up on the shell: its exit by that signal is not what ended it
      resolve({ by: 'guacd' });
    });
  });
}

function endBridge(channel: ssh2.ServerChannel, { status, signal }: ShellExit): void {
  if (!channel.writable) return;
  const name = signal?.replace(/^SIG/, '');
  if (status !== null) channel.exit(status);
  else if (name !== undefined && signals.has(name)) channel.exit(name, false, '');
  else if (name !== undefined) channel.exit(endedBySignal);
  channel.end();
}

function showOutput(
  bridge: BridgeShell,
  shell: TargetShell,
  guard: ControlGuard,
  tap: ShellTap | null,
): OutputFlow {
  const { consume, overrun } = shell;
  const flow = new OutputFlow({ to: bridge.channel, ask: bridge.ask, onTaken: consume, onOverrun: overrun });
  const show = (bytes: Buffer) => {
    tap?.output(bytes);
    const harmless = guard.filter(bytes);
    consume(bytes.length - harmless.length);
    flow.push(harmless);
  };
  shell.channel.on('data', show);
  shell.channel.stderr.on('data', show);
  return flow;
}

/** Keys and pastes. ssh2's own mark for a full channel is 2 MiB; a paste into a program that does not read waits. */
function passInput(from: Readable, to: Writable, tap: ShellTap | null): void {
  from.on('data', (chunk: Buffer) => {
    tap?.input(chunk);
    if (!to.writable) return;
    to.write(chunk, () => {
      if (to.writableLength < maxInput / 2 && from.isPaused()) from.resume();
    });
    if (to.writableLength > maxInput) from.pause();
  });
}

import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { InstructionSocket } from '../../../gateway/guacd/instruction-socket.ts';

const nothing = '3.nop;';

/** A connection of which each piece is read when the test says so. */
class Wire extends Duplex {
  said = '';

  override _read(): void {}

  override _write(bytes: Uint8Array, _encoding: unknown, done: () => void): void {
    this.said += Buffer.from(bytes).toString();
    done();
  }

  setNoDelay(): void {}
  setKeepAlive(): void {}
}

function acknowledging() {
  const wire = new Wire();
  const socket = new InstructionSocket(wire as unknown as Socket);
  const heard: string[] = [];
  socket.acknowledge();
  socket.receive((batch) => heard.push(...batch.map(({ opcode }) => opcode)));
  return { wire, socket, heard };
}

const turns = async (count: number) => {
  for (let i = 0; i < count; i++) await turn();
};

test('what comes is acknowledged once, when nothing came behind it for a turn of the event loop', async () => {
  const { wire, heard } = acknowledging();
  for (let piece = 0; piece < 3; piece++) {
    wire.push('4.sync,1.1;');
    await turn(); // an operating system has the next one by then, whatever its sender has come to
    expect(wire.said).toBe('');
  }
  await turns(3);
  expect(heard).toEqual(['sync', 'sync', 'sync']);
  expect(wire.said).toBe(nothing);
  wire.push('4.sync,1.2;');
  await turns(4);
  expect(wire.said).toBe(nothing + nothing);
});

test('nothing is acknowledged while nobody reads, or once the connection is being closed', async () => {
  const { wire, socket, heard } = acknowledging();
  wire.push('4.sync,1.1;');
  await turn();
  expect(heard).toEqual(['sync']);
  socket.pause();
  await turns(4);
  expect(wire.said).toBe('');

  const other = acknowledging();
  other.wire.push('4.sync,1.1;');
  await turn();
  other.socket.close(10);
  await turns(4);
  expect(other.wire.said).toBe('');
  wire.destroy();
  other.wire.destroy();
});

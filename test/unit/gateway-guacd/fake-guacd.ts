// A guacd that speaks bytes: a test decides what it says and sees what it was told.
import { once } from 'node:events';
import net from 'node:net';
import { InstructionDecoder } from '../../../protocol/guacamole/decoder.ts';
import { encodeInstruction } from '../../../protocol/guacamole/instruction.ts';
import type { Instruction } from '../../../protocol/guacamole/instruction.ts';
import { limits } from '../../../protocol/limits.ts';

export class FakeGuacd {
  readonly port: number;
  readonly heard: string[][] = [];
  readonly #server: net.Server;
  readonly #listeners = new Set<() => void>();
  #socket: net.Socket | null = null;
  closed = false;

  private constructor(server: net.Server, answer: (instruction: Instruction, guacd: FakeGuacd) => void) {
    this.#server = server;
    this.port = (server.address() as net.AddressInfo).port;
    server.on('connection', (socket) => {
      this.#socket = socket;
      const decoder = new InstructionDecoder(limits.guacamole.toGuacd);
      socket.on('error', () => {}); // resets are how some tests end
      socket.on('end', () => {
        this.closed = true;
        this.#changed();
      });
      socket.on('data', (chunk) => {
        for (const instruction of decoder.decode(chunk)) {
          this.heard.push([instruction.opcode, ...instruction.args]);
          answer(instruction, this);
        }
        this.#changed();
      });
    });
  }

  static async start(
    answer: (instruction: Instruction, guacd: FakeGuacd) => void = agreeable(),
  ): Promise<FakeGuacd> {
    const server = net.createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FakeGuacd(server, answer);
  }

  say(opcode: string, ...args: (string | number)[]): void {
    this.raw(encodeInstruction(opcode, ...args));
  }

  raw(bytes: string | Uint8Array): boolean {
    return this.#socket?.write(bytes) ?? false;
  }

  hangUp(): void {
    this.#socket?.destroy();
  }

  opcodes(): string[] {
    return this.heard.map(([opcode = '']) => opcode);
  }

  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!holds()) return;
        this.#listeners.delete(look);
        resolve();
      };
      this.#listeners.add(look);
      look();
    });
  }

  async stop(): Promise<void> {
    this.#socket?.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #changed(): void {
    for (const look of this.#listeners) look();
  }
}

/** Answers the handshake as guacd does. */
export function agreeable(args: readonly string[] = ['VERSION_1_3_0', 'hostname', 'password']) {
  return ({ opcode }: Instruction, guacd: FakeGuacd) => {
    if (opcode === 'select') guacd.say('args', ...args);
    if (opcode === 'connect') guacd.say('ready', '$id');
  };
}

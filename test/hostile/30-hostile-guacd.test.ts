// Class 30: a guacd that was overtaken sends what exhausts a gateway, or a page behind it: no memory goes with what it says.
import { afterEach, describe, expect, it, test } from 'vitest';
import { openGuacd, type GuacdConnection } from '../../gateway/guacd/connection.ts';
import type { Instruction } from '../../protocol/guacamole/instruction.ts';
import { InstructionDecoder } from '../../protocol/guacamole/decoder.ts';
import { encodeInstruction } from '../../protocol/guacamole/instruction.ts';
import { limits } from '../../protocol/limits.ts';
import { failureOf } from '../fixtures/outcome.ts';
import { agreeable, FakeGuacd } from '../unit/gateway-guacd/fake-guacd.ts';
import { collectGarbage } from '../fixtures/garbage.ts';

type Said = readonly [string, ...(string | number)[]];

const MiB = 2 ** 20;
const open: GuacdConnection[] = [];
const started: FakeGuacd[] = [];
afterEach(async () => {
  for (const guacd of started.splice(0)) guacd.hangUp();
  await Promise.all(open.splice(0).map((connection) => connection.close()));
});

async function overtaken(answer?: (instruction: Instruction, guacd: FakeGuacd) => void): Promise<FakeGuacd> {
  const guacd = await FakeGuacd.start(answer);
  started.push(guacd);
  return guacd;
}

const options = (guacd: FakeGuacd) => ({
  ...{ host: '127.0.0.1', port: guacd.port, select: { protocol: 'vnc' as const }, parameters: {} },
  ...{ display: { width: 800, height: 600, dpi: 96 }, signal: new AbortController().signal },
  policy: { disableCopy: false, disablePaste: false },
});

/** A session with it, of which a page's viewer keeps what it may see. */
async function session(changes: Partial<Parameters<typeof openGuacd>[0]> = {}) {
  const guacd = await overtaken();
  const decoder = new InstructionDecoder(limits.guacamole.fromGuacd);
  const shown: string[] = [];
  const refused: string[] = [];
  const viewer = (bytes: Uint8Array) => {
    for (const { opcode, args } of decoder.decode(Uint8Array.from(bytes)))
      if (opcode !== 'sync') shown.push([opcode, ...args].join(' '));
    return true;
  };
  const onRefused = (_: string, opcode: string) => void refused.push(opcode);
  const connection = await openGuacd({ ...options(guacd), viewer, onRefused, ...changes });
  open.push(connection);
  /** Says it, and waits until the page has seen what was said after it. */
  let marks = 0;
  const say = async (...list: readonly Said[]) => {
    const mark = `mark-${++marks}`;
    const text = [...list, ['name', mark] as const].map(([opcode, ...args]) =>
      encodeInstruction(opcode, ...args),
    );
    await write(guacd, text);
    await expect.poll(() => shown.at(-1) ?? '', { timeout: 60_000 }).toBe(`name ${mark}`);
  };
  const seen = (opcode: string) => shown.filter((line) => line.startsWith(`${opcode} `));
  return { guacd, connection, shown, seen, refused, say };
}

/** As fast as it is read. */
async function write(guacd: FakeGuacd, pieces: readonly string[]): Promise<void> {
  for (let at = 0; at < pieces.length; at += 500) {
    guacd.raw(pieces.slice(at, at + 500).join(''));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** What the work holds on the heap and beside it, at most, while it goes on. */
async function growthOf(work: () => Promise<unknown>): Promise<number> {
  const used = () => {
    collectGarbage();
    return process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
  };
  const before = used();
  let most = 0;
  const watching = setInterval(() => (most = Math.max(most, used() - before)), 50);
  await work().finally(() => clearInterval(watching));
  return most;
}

/** The first bytes of a PNG, which say how large it is, as base64. */
function pngHeader(width: number, height: number): string {
  const header = Buffer.alloc(33);
  header.write('89504e470d0a1a0a0000000d49484452', 'hex');
  header.writeUInt32BE(width, 16);
  header.writeUInt32BE(height, 20);
  header.set([8, 2, 0, 0, 0], 24);
  return header.toString('base64');
}

const picture = (stream: number, size: readonly [number, number], layer = 0, kind = 'image/png'): Said[] => [
  ['img', stream, 14, layer, kind, 0, 0],
  ['blob', stream, pngHeader(...size)],
  ['end', stream],
];
const twice = <T>(count: number, make: (n: number) => T): T[] =>
  Array.from({ length: count }, (_, n) => make(n));

describe('a handshake', () => {
  it.each<[string, (instruction: Instruction, guacd: FakeGuacd) => void]>([
    ['that is never begun', () => undefined],
    [
      'that is never ended',
      ({ opcode }, guacd) => void (opcode === 'select' && guacd.say('args', 'VERSION_1_3_0')),
    ],
    ['that drips', ({ opcode }, guacd) => void (opcode === 'select' && guacd.raw('4.args,13.VERSION'))],
    [
      'of nothing but nop',
      ({ opcode }, guacd) => {
        if (opcode !== 'select') return;
        const more = () => guacd.raw('3.nop;'.repeat(10_000)) && setImmediate(more);
        setInterval(more, 5).unref();
      },
    ],
  ])('%s ends by its time, and holds little until then', async (_, answer) => {
    const guacd = await overtaken(answer);
    const opening = () => failureOf(openGuacd({ ...options(guacd), timing: { answerMs: 1_000 } }));
    let code = '';
    const grown = await growthOf(async () => void ({ code } = await opening()));
    expect(code).toBe('guacd-timed-out');
    expect(grown).toBeLessThan(192 * MiB);
  });

  test('that asks for 120 arguments is answered, one that asks for hundreds is malformed', async () => {
    const names = twice(120, (n) => `a${n}`);
    open.push(await openGuacd(options(await overtaken(agreeable(names)))));
    const failure = await failureOf(
      openGuacd(options(await overtaken(agreeable([...names, ...names, ...names])))),
    );
    expect(failure.code).toBe('guacamole-malformed');
  });
});

describe('memory of the page', () => {
  test('layers beyond all layers, and sizes beyond all screens, do not reach it', async () => {
    const { say, seen } = await session();
    await say(['size', 0, 1_920, 1_080]);
    await say(...twice(3_000, (n): Said => ['size', n + 1, 16_384, 2_000]));
    await say(['size', 100_000, 1, 1], ['rect', 100_000, 0, 0, 1, 1], ['move', 1, 100_000, 0, 0, 0]);
    expect(seen('size').length).toBeLessThan(5);
    expect([...seen('rect'), ...seen('move')]).toEqual([]);
  });

  test('a layer that is only named takes a screen, and counts as one', async () => {
    const { say, seen } = await session();
    await say(['size', 0, 3_840, 2_160], ...twice(1_000, (n): Said => ['shade', n + 1, 255]));
    expect(seen('shade').length).toBe(10); // with the screen itself, and rounded up, what three screens of four times 4K take
  });

  test('buffers that grow by what is drawn far out stay bounded, and what is disposed of is free again', async () => {
    const { say, seen } = await session();
    await say(['rect', -1, 30_000, 30_000, 100, 100], ['rect', -2, 0, 0, 32_767, 32_767]);
    expect(seen('rect')).toEqual([]);
    const large = (n: number): Said => ['rect', -n, 0, 0, 5_000, 5_000];
    await say(...twice(10, (n) => large(n + 1)));
    expect(seen('rect').length).toBe(3);
    await say(['dispose', -1], large(20));
    expect(seen('rect').length).toBe(4);
  });

  test('buffers as thin as a hair count as what their canvas takes', async () => {
    const { say, seen } = await session();
    await say(...twice(1_000, (n): Said => ['rect', -n - 1, 0, 0, 1, 16_384]));
    expect(seen('rect').length).toBe(94); // 4 MiB each
  });

  test('pictures of 32,767 by 32,767, or of no kind that guacd was allowed, are not begun', async () => {
    const { say, seen, refused } = await session();
    await say(...picture(1, [32_767, 32_767]), ...picture(2, [16_384, 16_384]), ...picture(3, [0, 5]));
    await say(...picture(4, [10, 10], 0, 'image/svg+xml'), ...picture(5, [10, 10], 0, 'video/mp4'));
    await say(['img', 6, 14, 0, 'image/png', 0, 0], ['blob', 6, Buffer.from('<svg/>').toString('base64')]);
    await say(['png', 14, 0, 0, 0, pngHeader(32_767, 32_767)], ['jpeg', 14, 0, 0, 0, 'x']);
    for (const opcode of ['img', 'blob', 'end', 'png', 'jpeg']) expect(seen(opcode)).toEqual([]);
    expect(refused).toContain('img');
    await say(...picture(7, [640, 480]));
    expect([seen('img').length, seen('blob').length, seen('end').length]).toEqual([1, 1, 1]);
  });

  test('a picture without end is ended for the page, and others can be shown again', async () => {
    const { say, seen, connection } = await session();
    const noise: Said = ['blob', 1, 'A'.repeat(30_000)];
    await say(['img', 1, 14, 0, 'image/png', 0, 0], ['blob', 1, pngHeader(800, 600)]);
    for (let sent = 0; sent < 80 * MiB; sent += 300 * 30_000) await say(...twice(300, () => noise));
    expect(seen('end')).toEqual(['end 1']);
    expect(seen('blob').length * 30_000).toBeLessThan(65 * MiB);
    await say(...picture(2, [640, 480]));
    expect(seen('end')).toEqual(['end 1', 'end 2']);
    await connection.close();
  });

  test('thousands of pictures without an end are some', async () => {
    const { say, seen } = await session();
    await say(...twice(5_000, (n) => picture(n, [64, 64]).slice(0, 2)).flat());
    expect(seen('img').length).toBe(256);
  });

  test('pointers larger than pointers, and stacks and paths without end, do not reach it', async () => {
    const { say, shown } = await session();
    await say(['cursor', 0, 0, -1, 0, 0, 32_767, 32_767], ...twice(2_000, (): Said => ['push', 0]));
    await say(...twice(2_000, (n): Said => ['line', 0, n, n]), ['distort', 0, 1, 1, 1, 1, 1, 1]);
    expect(shown.filter((line) => !line.startsWith('name '))).toEqual([]);
  });

  test('sound, films, files and nests are refused, and guacd is told', async () => {
    const { say, guacd, shown } = await session();
    const opened = ['audio', 'video', 'file', 'pipe', 'nest'].map((opcode, n): Said => [
      opcode,
      n + 1,
      'x/y',
      'z',
    ]);
    await say(...opened, ...twice(1_000, (n): Said => ['blob', (n % 5) + 1, 'A'.repeat(6_000)]));
    expect(shown).toEqual(['name mark-1']);
    await guacd.until(() => guacd.heard.filter(([opcode]) => opcode === 'ack').length === 5);
  });

  test('clipboards of more than a clipboard, and names that are no numbers, end there', async () => {
    const { say, seen } = await session();
    await say(['clipboard', 1, 'text/plain'], ...twice(400, (): Said => ['blob', 1, 'A'.repeat(6_000)]));
    expect(seen('blob').length * 6_000).toBeLessThanOrEqual(512 * 1024);
    await say(['clipboard', 'x'.repeat(20_000), 'text/plain'], ['argv', '-1', 'text/plain', 'font-size']);
    expect([seen('clipboard').length, seen('argv').length]).toEqual([1, 0]);
  });
});

describe('memory of the gateway', () => {
  test('hundreds of thousands of syncs and nops pass one by one, and nothing of them is kept', async () => {
    const { guacd, say } = await session();
    const grown = await growthOf(async () => {
      for (let n = 0; n < 30; n++)
        await write(
          guacd,
          twice(10, () => '4.sync,1.1;3.nop;'.repeat(1_000)),
        );
      await say();
    });
    expect(grown).toBeLessThan(192 * MiB);
  });

  test('with no page there, a flood is read, answered and forgotten', async () => {
    const guacd = await overtaken();
    const connection = await openGuacd(options(guacd));
    open.push(connection);
    const noise = encodeInstruction('blob', 1, 'A'.repeat(30_000));
    const grown = await growthOf(async () => {
      guacd.say('img', 1, 14, 0, 'image/png', 0, 0);
      for (let sent = 0; sent < 200 * MiB; sent += 50 * noise.length) {
        while (!guacd.raw(noise.repeat(50))) await new Promise((resolve) => setTimeout(resolve, 1));
        if (guacd.closed) break;
      }
      guacd.say('sync', 77);
      await guacd.until(() => guacd.heard.some(([opcode, time]) => opcode === 'sync' && time === '77'));
    });
    expect(grown).toBeLessThan(128 * MiB);
  });

  test('an instruction that drips holds a connection, and nothing but it: the session ends when it is asked to', async () => {
    const { guacd, connection } = await session();
    guacd.raw('4.blob,1.1,6000.');
    for (let n = 0; n < 50; n++) {
      guacd.raw('A');
      await new Promise((resolve) => setImmediate(resolve));
    }
    await connection.close();
    expect((await connection.ended).code).toBe('closed');
  });
});

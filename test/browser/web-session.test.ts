// A session's picture, keys and clipboard over a real peer connection inside one page.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { userEvent } from 'vitest/browser';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { newUid, type Uid } from '../../protocol/uid.ts';
import type { DetourOffer, ResumeSession, SessionResumed } from '../../workers/api.ts';
import { GatewayPeer } from '../../web/session/way/gateway-peer.ts';
import { PeerConnections } from '../../web/session/way/peer-connections.ts';
import { RemoteScreen, type ScreenTargets } from '../../web/session/screen/remote-screen.ts';
import { PageGateway } from '../fakes/page-gateway.ts';

/** Two by two pixels of a palette: blue from corner to corner, else green. */
const checkedPng =
  'iVBORw0KGgoAAAANSUhEUgAAAAIAAAACAQMAAABIeJ9nAAAABlBMVEUA/wAAAP9CAZHOAAAADElEQVR42mNoYHAAAAHEAMGmm+a6AAAAAElFTkSuQmCC';
/** 300 by 300 pixels, more than are decoded in the page. */
const redPng = newPng(300, '#f00');

function newPng(side: number, colour: string): string {
  const canvas = Object.assign(document.createElement('canvas'), { width: side, height: side });
  const context = canvas.getContext('2d') ?? expect.unreachable();
  context.fillStyle = colour;
  context.fillRect(0, 0, side, side);
  return canvas.toDataURL('image/png').replace(/^.*,/, '');
}

/** A server that takes no detours. */
const detour = { refusedBy: 'server' } as const;
const size = { width: 800, height: 600, ratio: 2 };
const open = { disableCopy: false, disablePaste: false, terminal: true, resizes: true };
const verbs = {
  resumeSession: vi.fn((_: ResumeSession): Promise<SessionResumed> => Promise.reject(new Error('not here'))),
  openDetour: vi.fn((_: Uid, port: MessagePort): Promise<void> => Promise.resolve(port.close())),
  sendCandidate: () => Promise.resolve(),
  iceServers: () => Promise.resolve([]),
};
let gateway: PageGateway;
let peer: GatewayPeer;
let input: HTMLTextAreaElement;
let host: HTMLElement;
let codes: string[];
let targets: { [Name in keyof ScreenTargets]: ReturnType<typeof vi.fn<ScreenTargets[Name]>> };

beforeEach(() => {
  gateway = new PageGateway();
  codes = [];
  targets = {
    firstFrame: vi.fn(),
    copied: vi.fn(),
    released: vi.fn(),
    pasted: vi.fn(),
    scaled: vi.fn(),
    pinched: vi.fn(),
    sound: vi.fn<() => void>(),
    sticky: vi.fn((): readonly number[] => []),
    failed: vi.fn(),
  };
  host = document.createElement('div');
  input = document.createElement('textarea');
  document.body.append(host, input);
});
afterEach(() => {
  peer.close();
  gateway.close();
  document.body.replaceChildren();
});

async function connect(policy = open): Promise<RemoteScreen> {
  peer = new GatewayPeer(verbs, () => {});
  await gateway.answer(peer);
  const multiplexer = await peer.opened;
  const stream = multiplexer.openStream({ streamToken: new Uint8Array(16) });
  stream.onReset = (code) => codes.push(code);
  const screen = new RemoteScreen(stream, size, policy, targets);
  host.append(screen.element);
  screen.attach(input);
  input.focus();
  return screen;
}

async function draw(): Promise<void> {
  await gateway.send('size', 0, 800, 600);
  await gateway.send('rect', 0, 0, 0, 800, 600);
  await gateway.send('cfill', 14, 0, 10, 20, 30, 255);
  await gateway.send('sync', 1);
}

const keys = () =>
  gateway.said('key').map(([keysym, pressed]) => `${Number(keysym).toString(16)}:${pressed}`);
const eventually = (check: () => void) => vi.waitFor(check, { timeout: 15_000 });

function paste(text: string): void {
  const clipboardData = new DataTransfer();
  clipboardData.setData('text/plain', text);
  input.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
}

describe('the picture', () => {
  test('the first frame is told once it is drawn, pixel for pixel', async () => {
    const screen = await connect();
    await draw();
    await eventually(() => expect(targets.firstFrame).toHaveBeenCalledOnce());
    const canvas = screen.element.querySelector('canvas');
    expect([...(canvas?.getContext('2d')?.getImageData(5, 5, 1, 1).data ?? [])]).toEqual([10, 20, 30, 255]);
    expect(screen.element.getBoundingClientRect().width).toBe(400); // two device pixels to a CSS pixel
  });

  test('a sync without anything drawn is no frame', async () => {
    await connect();
    await gateway.send('sync', 1);
    await eventually(() => expect(gateway.said('sync')).not.toHaveLength(0));
    expect(targets.firstFrame).not.toHaveBeenCalled();
  });

  const colourAt = (screen: RemoteScreen, at: number) => {
    const canvas = screen.element.querySelector('canvas');
    return [...(canvas?.getContext('2d')?.getImageData(at, at, 1, 1).data ?? [])];
  };
  /** As guacd does: begun, in parts, and ended. */
  async function show(place: number, parts: readonly string[]): Promise<void> {
    await gateway.send('img', 1, 14, 0, 'image/png', place, place);
    for (const part of parts) await gateway.send('blob', 1, part);
    await gateway.send('end', 1);
  }

  test('images are drawn in their order: small ones here and at once, others by the browser', async () => {
    const aside = vi.spyOn(window, 'createImageBitmap');
    const screen = await connect();
    await draw();
    await show(100, [redPng.slice(0, 400), redPng.slice(400)]);
    await show(120, [checkedPng.slice(0, 60), checkedPng.slice(60)]);
    await show(0, [checkedPng]);
    await gateway.send('sync', 2);
    await eventually(() => expect(gateway.said('sync').at(-1)).toEqual(['2']));
    expect([0, 1, 2, 119, 120, 121].map((at) => colourAt(screen, at).join(' '))).toEqual([
      ...['0 0 255 255', '0 0 255 255', '10 20 30 255'],
      ...['255 0 0 255', '0 0 255 255', '0 0 255 255'],
    ]);
    expect(aside).toHaveBeenCalledOnce();
    expect(gateway.said('ack')).toEqual([]); // guacd waits for none
    aside.mockRestore();
  });

  test('of a session that nobody sees few frames are drawn, and the last one is', async () => {
    const screen = await connect();
    await draw();
    await eventually(() => expect(targets.firstFrame).toHaveBeenCalledOnce());
    screen.attention = 'unseen';
    for (let red = 1; red <= 40; red++) {
      await gateway.send('rect', 0, 0, 0, 800, 600);
      await gateway.send('cfill', 14, 0, red, 0, 0, 255);
      await gateway.send('sync', red + 1);
    }
    await eventually(() => expect(gateway.said('sync').at(-1)).toEqual(['41']));
    expect(gateway.said('sync').length).toBeLessThan(40);
    expect(colourAt(screen, 5)).toEqual([40, 0, 0, 255]);
  });

  test('a new size is sent once, an old one not at all', async () => {
    const screen = await connect();
    screen.resize({ width: 640, height: 480, ratio: 1 });
    screen.resize({ width: 640, height: 480, ratio: 1 });
    await eventually(() => expect(gateway.said('size')).toEqual([['640', '480']]));
  });
});

describe('the pointer', () => {
  const said = () => gateway.said('mouse').map((args) => args.map(Number));
  const point = (type: string, x: number, y: number, init: PointerEventInit = {}) =>
    document.elementFromPoint(x, y)?.dispatchEvent(
      new PointerEvent(type, {
        clientX: x,
        clientY: y,
        bubbles: true,
        cancelable: true,
        pointerType: 'mouse',
        ...init,
      }),
    );
  const drawPicture = async () => {
    await draw();
    await eventually(() => expect(targets.firstFrame).toHaveBeenCalled());
  };
  beforeEach(() => {
    host.style.cssText =
      'position: fixed; left: 20.5px; top: 10.25px; width: 300px; height: 200px; overflow: auto';
    vi.spyOn(Element.prototype, 'setPointerCapture').mockReturnValue();
  });
  afterEach(() => vi.restoreAllMocks());

  test.each([
    ['fit', 1 / 6],
    [1, 1 / 2],
    [1.25, 1.25 / 2],
    [3, 3 / 2],
  ] as const)(
    'at a zoom of %s the pixel that is pointed at is the one that hears of it',
    async (zoom, scale) => {
      const screen = await connect({ ...open, terminal: false, resizes: false });
      screen.resize({ width: 300, height: 200, ratio: 2 });
      await drawPicture();
      screen.zoomTo(zoom);
      for (const [x, y] of [
        [0, 0],
        [1, 2],
        [60, 40],
        [61, 41],
      ] as const)
        point('pointermove', 20.5 + (x + 0.5) * scale, 10.25 + (y + 0.5) * scale);
      await eventually(() =>
        expect(said()).toEqual([
          [0, 0, 0],
          [1, 2, 0],
          [60, 40, 0],
          [61, 41, 0],
        ]),
      );
    },
  );

  test('a pinch leaves the pixel under the fingers where it is', async () => {
    const screen = await connect({ ...open, terminal: false, resizes: false });
    await drawPicture();
    screen.zoomTo(1);
    const around = { x: 120.5, y: 80.25 };
    const under = () => {
      const { left, top, width, height } = screen.element.getBoundingClientRect();
      return [((around.x - left) / width) * 800, ((around.y - top) / height) * 600];
    };
    const before = under();
    screen.zoomTo(2.5, around);
    for (const [index, value] of under().entries()) expect(value).toBeCloseTo(before[index] ?? 0, 0);
    expect(targets.scaled).toHaveBeenLastCalledWith(2.5);
  });

  test('the wheel, the buttons and a held session', async () => {
    const screen = await connect({ ...open, terminal: false });
    await drawPicture();
    const { left, top } = screen.element.getBoundingClientRect();
    point('pointerdown', left + 10, top + 10, { buttons: 2 });
    point('pointerup', left + 10, top + 10, { buttons: 0 });
    screen.element.dispatchEvent(
      new WheelEvent('wheel', {
        clientX: left + 10,
        clientY: top + 10,
        deltaY: 120,
        bubbles: true,
        cancelable: true,
      }),
    );
    screen.held = true;
    point('pointerdown', left + 10, top + 10, { buttons: 1 });
    screen.held = false;
    const expected = [
      [20, 20, 4],
      [20, 20, 0],
      [20, 20, 16],
      [20, 20, 0],
      [20, 20, 16],
      [20, 20, 0],
    ];
    await eventually(() => expect(said()).toEqual(expected));
  });

  test('letters of another size and colour are asked for by name', async () => {
    const screen = await connect();
    screen.setTerminal('font-size', '18');
    await eventually(() =>
      expect(gateway.said('argv').map(([, ...rest]) => rest)).toEqual([['text/plain', 'font-size']]),
    );
    expect(gateway.said('blob').map(([, data]) => atob(data ?? ''))).toEqual(['18']);
  });
});

describe('the keyboard', () => {
  test('typed letters arrive as keys', async () => {
    await connect();
    await userEvent.keyboard('aB');
    await eventually(() => expect(keys()).toEqual(expect.arrayContaining(['61:1', '61:0', '42:1', '42:0'])));
  });

  test('composed text arrives, and leaves nothing in the text area', async () => {
    await connect();
    input.dispatchEvent(new CompositionEvent('compositionstart'));
    input.value = '日本';
    input.dispatchEvent(new CompositionEvent('compositionend', { data: '日本' }));
    await eventually(() => expect(keys()).toEqual(expect.arrayContaining(['10065e5:1', '100672c:1'])));
    expect(input.value).toBe('');
  });

  test('what is being composed stays where the input method works on it, and arrives once', async () => {
    await connect();
    const write = (type: string, value: string, init: InputEventInit) => {
      input.value = value;
      input.dispatchEvent(new InputEvent('input', { inputType: type, data: value, bubbles: true, ...init }));
    };
    input.dispatchEvent(new CompositionEvent('compositionstart'));
    write('insertCompositionText', 'に', { isComposing: true });
    expect(input.value).toBe('に');
    write('insertCompositionText', '日', { isComposing: true });
    input.dispatchEvent(new CompositionEvent('compositionend', { data: '日' }));
    write('insertCompositionText', '日', {}); // some browsers say it again
    await eventually(() => expect(keys()).toEqual(['10065e5:1', '10065e5:0']));
    write('insertText', '😀', {}); // and phones go on without composing
    write('deleteContentBackward', '', { data: null });
    await eventually(() => expect(keys().slice(2)).toEqual(['101f600:1', '101f600:0', 'ff08:1', 'ff08:0']));
    expect(input.value).toBe('');
  });

  test('a dead key waits for its letter', async () => {
    await connect();
    const press = (key: string, code: string, init: KeyboardEventInit = {}) => {
      const event = new KeyboardEvent('keydown', { key, code, bubbles: true, cancelable: true, ...init });
      input.dispatchEvent(event);
      input.dispatchEvent(
        new KeyboardEvent('keyup', { key, code, bubbles: true, cancelable: true, ...init }),
      );
      return event;
    };
    expect(press('Dead', 'Equal', { keyCode: 221 }).defaultPrevented).toBe(false);
    press('é', 'KeyE', { keyCode: 69 });
    await eventually(() => expect(keys()).toEqual(['e9:1', 'e9:0']));
  });

  test('AltGr gives its character without Ctrl and Alt, and with Shift releases no keyboard', async () => {
    await connect();
    const held = { ctrlKey: true, altKey: true, modifierAltGraph: true };
    const down = (key: string, code: string, init: KeyboardEventInit = {}) =>
      input.dispatchEvent(
        new KeyboardEvent('keydown', { key, code, bubbles: true, cancelable: true, ...init }),
      );
    down('Control', 'ControlLeft', { ctrlKey: true, keyCode: 17 });
    down('AltGraph', 'AltRight', { ...held, keyCode: 18 });
    down('@', 'KeyQ', { ...held, keyCode: 81 });
    input.dispatchEvent(
      new KeyboardEvent('keypress', { key: '@', charCode: 64, keyCode: 64, ...held, bubbles: true }),
    );
    await eventually(() => expect(keys()).toContain('40:1'));
    const before = keys().slice(0, keys().indexOf('40:1'));
    const stillDown = (keysym: string) =>
      before.lastIndexOf(`${keysym}:1`) > before.lastIndexOf(`${keysym}:0`);
    expect(['ffe3', 'ffe9', 'ffea'].filter(stillDown)).toEqual([]);
    down('Shift', 'ShiftLeft', { ...held, shiftKey: true, keyCode: 16 });
    expect(targets.released).not.toHaveBeenCalled();
  });

  test('a modifier that was touched goes with the next key of any keyboard', async () => {
    await connect();
    targets.sticky.mockReturnValueOnce([0xffe3]);
    await userEvent.keyboard('{Shift}c');
    await eventually(() =>
      expect(keys().filter((key) => !key.startsWith('ffe1'))).toEqual([
        'ffe3:1',
        '63:1',
        '63:0',
        'ffe3:0',
        '63:0',
      ]),
    );
  });

  test('Ctrl, Alt and Shift together give the keyboard back with no key held', async () => {
    await connect();
    await userEvent.keyboard('{Control>}{Alt>}{Shift>}{/Shift}{/Alt}{/Control}');
    await eventually(() => expect(targets.released).toHaveBeenCalled());
    await userEvent.keyboard('x');
    await eventually(() => expect(keys()).toContain('78:0'));
    const held = new Set<string>();
    for (const key of keys()) {
      if (key.endsWith(':1')) held.add(key.slice(0, -2));
      else held.delete(key.slice(0, -2));
    }
    expect([...held]).toEqual([]);
  });
});

describe('the clipboard', () => {
  test('a real paste event is handed out whole, and goes nowhere by itself', async () => {
    await connect();
    paste('zeile 1\nzeile 2 ✓');
    expect(targets.pasted.mock.calls).toEqual([['zeile 1\nzeile 2 ✓']]);
    await draw();
    await eventually(() => expect(targets.firstFrame).toHaveBeenCalled());
    expect(gateway.said('clipboard')).toEqual([]);
  });

  test('a paste becomes the session’s clipboard and its paste key', async () => {
    const screen = await connect();
    screen.paste('zeile 1\nzeile 2 ✓');
    await eventually(() => expect(keys()).toEqual(['ffe3:1', 'ffe1:1', '56:1', '56:0', 'ffe1:0', 'ffe3:0']));
    const [stream] = gateway.said('clipboard')[0] ?? [];
    const blob = gateway.said('blob').find(([index]) => index === stream)?.[1] ?? '';
    const bytes = Uint8Array.from(atob(blob), (character) => character.charCodeAt(0));
    expect(new TextDecoder().decode(bytes)).toBe('zeile 1\rzeile 2 ✓');
  });

  test('Ctrl+V is left to the browser, which makes the paste event of it', async () => {
    await connect();
    const event = new KeyboardEvent('keydown', {
      key: 'v',
      code: 'KeyV',
      ctrlKey: true,
      bubbles: true,
      cancelable: true,
    });
    input.dispatchEvent(event);
    expect(event.defaultPrevented).toBe(false);
    expect(keys().some((key) => key.startsWith('76:'))).toBe(false);
  });

  test('a text of more than may cross is never gathered, and is told of', async () => {
    await connect();
    await gateway.send('clipboard', 1, 'text/plain');
    const part = btoa('x'.repeat(6_000));
    for (let sent = 0; sent <= 256 * 1024; sent += 6_000) await gateway.send('blob', 1, part);
    await gateway.send('end', 1);
    await eventually(() => expect(targets.copied.mock.calls).toEqual([[null]]));
  });

  test('nothing is pasted into a session that is away', async () => {
    const screen = await connect();
    screen.held = true;
    paste('x');
    expect([screen.paste('x'), targets.pasted.mock.calls]).toEqual([false, []]);
  });

  test('what the session copies is handed out, unless copying is switched off', async () => {
    await connect();
    await gateway.send('clipboard', 1, 'text/plain');
    await gateway.send('blob', 1, btoa('from there'));
    await gateway.send('end', 1);
    await eventually(() => expect(targets.copied).toHaveBeenCalledWith('from there'));
  });

  test('a session that may not be copied from says nothing', async () => {
    await connect({ ...open, disableCopy: true });
    await gateway.send('clipboard', 1, 'text/plain');
    await gateway.send('blob', 1, btoa('from there'));
    await gateway.send('end', 1);
    await draw();
    await eventually(() => expect(targets.firstFrame).toHaveBeenCalled());
    expect(targets.copied).not.toHaveBeenCalled();
  });
});

describe('losing the gateway', () => {
  test('a gateway that hangs is noticed in seconds', async () => {
    await connect();
    await draw();
    gateway.deaf = true;
    await eventually(() => expect(codes).toEqual(['cancelled']));
    expect(peer.gone).toBe(true);
  });

  test('Guacamole that cannot be read ends the stream', async () => {
    await connect();
    (await gateway.stream).write(new TextEncoder().encode('99999999.x;'));
    await eventually(() => expect(codes).toEqual(['guacamole-malformed']));
  });
});

describe('a page that loses its way', () => {
  const told: string[] = [];
  const ride = (graceMs = 60_000) => {
    told.length = 0;
    return peer.ride({
      ...{ sessionUid: newUid(), graceMs },
      away: () => told.push('away'),
      back: () => told.push('back'),
      gone: (code) => told.push(code),
    });
  };
  afterEach(() => vi.restoreAllMocks());

  test('finds another, and what was said meanwhile arrives once and in order', async () => {
    const screen = await connect();
    await draw();
    await eventually(() => expect(targets.firstFrame).toHaveBeenCalled());
    ride();
    let refusals = 2;
    vi.spyOn(verbs, 'resumeSession').mockImplementation(async ({ offer }) => {
      if (refusals-- > 0) throw new ProtocolError('gateway-offline');
      return { answer: await gateway.reanswer(offer), detour };
    });
    screen.press([0x61]);
    gateway.drop();
    await eventually(() => expect(told).toEqual(['away']));
    screen.press([0x62]);
    await eventually(() => expect(told).toEqual(['away', 'back']));
    screen.press([0x63]);
    await eventually(() => expect(keys()).toEqual(['61:1', '61:0', '62:1', '62:0', '63:1', '63:0']));
    expect(verbs.resumeSession.mock.calls.map(([{ attempt }]) => attempt)).toEqual([1, 2, 3]);
    expect(codes).toEqual([]);
  });

  test('takes no keys while input is held, and lets go of those that were down', async () => {
    const screen = await connect();
    await userEvent.keyboard('{Shift>}');
    await eventually(() => expect(keys()).toEqual(['ffe1:1']));
    screen.held = true;
    await userEvent.keyboard('{/Shift}b');
    screen.press([0x62]);
    screen.held = false;
    await userEvent.keyboard('c');
    await eventually(() => expect(keys()).toEqual(['ffe1:1', 'ffe1:0', '63:1', '63:0']));
  });

  test('is away soon after the browser says that there is no network, when nothing comes any more', async () => {
    await connect();
    ride();
    vi.spyOn(verbs, 'resumeSession').mockImplementation(async ({ offer }) => {
      gateway.deaf = false;
      return { answer: await gateway.reanswer(offer), detour };
    });
    const onLine = vi.spyOn(navigator, 'onLine', 'get').mockReturnValue(false);
    gateway.deaf = true;
    const before = performance.now();
    window.dispatchEvent(new Event('offline'));
    await eventually(() => expect(told).toEqual(['away']));
    expect(performance.now() - before).toBeLessThan(limits.heartbeatLostMs); // sooner than without that word
    onLine.mockReturnValue(true);
    window.dispatchEvent(new Event('online'));
    await eventually(() => expect(told).toEqual(['away', 'back']));
  });

  test('stays where it is when the browser says so and the path works all the same', async () => {
    await connect();
    ride();
    vi.spyOn(navigator, 'onLine', 'get').mockReturnValue(false);
    const { multiplexer } = peer;
    window.dispatchEvent(new Event('offline'));
    const before = multiplexer?.roundTripMs;
    await eventually(() => expect(multiplexer?.roundTripMs).not.toBe(before));
    await new Promise((resolve) => setTimeout(resolve, 3_500)); // three beats: two were left
    expect(told).toEqual([]);
  });

  test('gives up when the gateway knows the session no more, or its time is over', async () => {
    await connect();
    ride();
    vi.spyOn(verbs, 'resumeSession').mockRejectedValue(new ProtocolError('not-found'));
    gateway.drop();
    await eventually(() => expect(told).toEqual(['away', 'session-gone']));
    expect(peer.gone).toBe(true);
    gateway = new PageGateway();
    await connect();
    ride(300);
    vi.spyOn(verbs, 'resumeSession').mockRejectedValue(new ProtocolError('gateway-offline'));
    gateway.drop();
    await eventually(() => expect(told).toEqual(['away', 'reconnect-failed']));
    expect(peer.gone).toBe(true);
  });
});

describe('a page without a peer connection', () => {
  const offer = () => ({ detourUid: newUid() });
  const direct = vi.fn();
  afterEach(() => {
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
  });

  /** The state of the one connection that the page makes from here on. */
  function watchSearch(): () => string {
    const made: RTCPeerConnection[] = [];
    const Real = RTCPeerConnection;
    const Noted = class extends Real {
      constructor(configuration?: RTCConfiguration) {
        super(configuration);
        made.push(this);
      }
    };
    vi.stubGlobal('RTCPeerConnection', Noted);
    return () => made.map(({ connectionState }) => connectionState).join();
  }

  /** The gateway answers, and no candidate of either reaches the other. */
  async function withoutPath(detour: DetourOffer): Promise<void> {
    peer = new GatewayPeer(verbs, () => {});
    vi.spyOn(verbs, 'openDetour').mockImplementation(async (_, port) => gateway.detour(port));
    await peer.accept(await gateway.unreachable(await peer.offer()), detour);
  }

  test('goes through the server before its search has failed, and is back on a peer connection as soon as there is one', async () => {
    const search = watchSearch();
    await withoutPath(offer());
    const multiplexer = await peer.opened;
    expect(search()).toMatch(/^(new|connecting)$/); // which had its time still to go
    expect(peer.throughServer).toBe(true);
    const stream = multiplexer.openStream({ streamToken: new Uint8Array(16) });
    stream.onReset = (code) => codes.push(code);
    const screen = new RemoteScreen(stream, size, open, targets);
    const rider = { away: vi.fn(), back: vi.fn(), gone: vi.fn() };
    peer.ride({ sessionUid: newUid(), graceMs: 60_000, ...rider });
    screen.press([0x61]);
    await eventually(() => expect(keys()).toEqual(['61:1', '61:0']));
    vi.spyOn(verbs, 'resumeSession').mockImplementation(async ({ offer }) => {
      direct();
      return { answer: await gateway.reanswer(offer), detour };
    });
    for (let letter = 0x62; letter <= 0x6f; letter++) screen.press([letter]);
    // A search that is under way comes first; then a change of the network is worth one at once.
    await vi.waitFor(
      () => {
        window.dispatchEvent(new Event('online'));
        expect(peer.throughServer).toBe(false);
      },
      { timeout: 40_000, interval: 500 },
    );
    for (let letter = 0x70; letter <= 0x7a; letter++) screen.press([letter]);
    const all = Array.from({ length: 26 }, (_, n) => (0x61 + n).toString(16));
    await eventually(() => expect(keys()).toEqual(all.flatMap((key) => [`${key}:1`, `${key}:0`])));
    expect(rider.away).not.toHaveBeenCalled();
    expect([codes, rider.gone.mock.calls]).toEqual([[], []]);
  });

  test('loses its detour before its session has begun, and has another one', async () => {
    peer = new GatewayPeer(verbs, () => {});
    const doors: MessagePort[] = [];
    vi.spyOn(verbs, 'openDetour').mockImplementation(async (_, port) => {
      doors.push(port);
      await gateway.detour(port);
    });
    const offered = await peer.offer();
    const rider = { away: vi.fn(), back: vi.fn(), gone: vi.fn() };
    peer.ride({ sessionUid: newUid(), graceMs: 60_000, ...rider });
    await peer.accept(await gateway.unreachable(offered), offer());
    const multiplexer = await peer.opened;
    vi.spyOn(verbs, 'resumeSession').mockImplementation(async ({ offer: again }) => ({
      answer: await gateway.unreachable(again),
      detour: offer(),
    }));
    doors[0]?.postMessage({ kind: 'lost', code: 'unavailable', message: 'the router left' });
    await eventually(() => expect(rider.away).toHaveBeenCalledOnce());
    const stream = multiplexer.openStream({ streamToken: new Uint8Array(16) });
    stream.onReset = (code) => codes.push(code);
    const screen = new RemoteScreen(stream, size, open, targets);
    await eventually(() => expect(rider.back).toHaveBeenCalledOnce());
    screen.press([0x61]);
    await eventually(() => expect(keys()).toEqual(['61:1', '61:0']));
    expect([doors.length, codes, rider.gone.mock.calls]).toEqual([2, [], []]);
    expect(peer.throughServer).toBe(true);
  });

  test('says who does not let it through the server', async () => {
    await withoutPath({ refusedBy: 'gateway' });
    await expect(peer.opened).rejects.toMatchObject({ code: 'unavailable' });
    expect(peer.noDetour).toBe('gateway');
  });

  test('does not take the detour while a peer connection opens', async () => {
    peer = new GatewayPeer(verbs, () => {});
    const opened = vi.spyOn(verbs, 'openDetour');
    await gateway.answer(peer, offer());
    await peer.opened;
    expect(peer.throughServer).toBe(false);
    expect(opened).not.toHaveBeenCalled();
  });
});

describe('peer connections', () => {
  test('a second session uses the open one, a lost one is replaced', async () => {
    const peers = new PeerConnections(verbs);
    const uid = newUid();
    const first = await peers.take(uid);
    peer = first.peer;
    await gateway.answer(first.peer);
    await first.peer.opened;
    const second = await peers.take(uid);
    expect([first.fresh, second.fresh, second.peer === first.peer]).toEqual([true, false, true]);
    first.peer.close();
    const third = await peers.take(uid);
    expect([third.fresh, third.peer === first.peer]).toEqual([true, false]);
    peers.close();
    expect(third.peer.gone).toBe(true);
  });
});

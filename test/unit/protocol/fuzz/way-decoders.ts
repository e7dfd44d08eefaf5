import { empty } from '../../../../protocol/bytes.ts';
import { generateEphemeralKey } from '../../../../protocol/crypto/ecdh.ts';
import { ProtocolError } from '../../../../protocol/errors.ts';
import { InstructionDecoder } from '../../../../protocol/guacamole/decoder.ts';
import { readImageHeader } from '../../../../protocol/guacamole/image-header.ts';
import { encodeInstructionBytes } from '../../../../protocol/guacamole/instruction.ts';
import { PictureFilter } from '../../../../protocol/guacamole/picture-filter.ts';
import { limits } from '../../../../protocol/limits.ts';
import { agreeOnDetour } from '../../../../protocol/session/detour.ts';
import { DetourEnd } from '../../../../protocol/session/detour-end.ts';
import { newUid } from '../../../../protocol/uid.ts';
import type { Decoder } from './decoders.ts';

const scope = { sessionUid: newUid(), gatewayUid: newUid(), peerUid: newUid(), attempt: 1 };
const [vault, gateway] = [await generateEphemeralKey(), await generateEphemeralKey()];
const gatewaysChannel = await agreeOnDetour('gateway', scope, gateway, vault.publicKey);

/** The first message of a router: at most it opens the detour, and nothing is heard of it. */
async function beginDetour(bytes: Uint8Array): Promise<void> {
  const channel = await agreeOnDetour('vault', scope, vault, gateway.publicKey);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const end = new DetourEnd({
    ...{ side: 'vault', channel, socket: { waiting: 0, send: () => {}, close: () => {} } },
    onOpen: () => resolve(),
    onMessage: () => reject(new Error('a message was made up')),
    onLost: (reason) => reject(reason),
  });
  end.receive(bytes);
  await promise;
}

/** Whatever it says, each instruction is admitted or not, and the next one can be judged. */
function judgePicture(bytes: Uint8Array): void {
  const filter = new PictureFilter({ disableCopy: false });
  const instructions = new InstructionDecoder(limits.guacamole.fromGuacd).decode(bytes);
  for (const instruction of instructions) if (!filter.admits(instruction)) filter.filter([instruction]);
  if (filter.remains.layers.includes(0)) throw new ProtocolError('internal', 'the screen is no layer');
}

const png = Uint8Array.from(
  '89504e470d0a1a0a0000000d4948445200000040000000400802000000'.match(/../g) ?? [],
  (pair) => Number.parseInt(pair, 16),
);
const jpeg = Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 4, 0, 0, 0xff, 0xc0, 0, 17, 8, 0, 64, 0, 64, 3);

export const wayDecoders: readonly Decoder<Uint8Array>[] = [
  { name: 'detour', valid: [await gatewaysChannel.seal(empty)], decode: beginDetour, cost: 10 },
  { name: 'image header', valid: [png, jpeg], decode: readImageHeader },
  {
    name: 'picture',
    valid: [
      encodeInstructionBytes('copy', 0, 0, 0, 9, 9, 14, -1, 0, 0),
      encodeInstructionBytes('img', 1, 14, 0, 'image/png', 0, 0),
      encodeInstructionBytes('move', 1, 2, 0, 0, 0),
    ],
    decode: judgePicture,
  },
];

import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Bytes } from '../../../protocol/bytes.ts';
import type { DeviceSchema } from '../../../protocol/messages/gen/account_pb.js';
import { uidBytes } from '../../../protocol/uid.ts';
import type { DeviceSession } from '../connection/device-session.ts';
import type { Environment } from '../environment.ts';
import type { OpenedAccount } from './opened-account.ts';

/** What a registration or a login leaves behind. */
export interface SignedIn {
  readonly account: OpenedAccount;
  /** Raw, to be wrapped for this device and then wiped. */
  readonly dataKey: Bytes;
  readonly session: DeviceSession;
  /** The data key as the server keeps it for the factor that was used. */
  readonly sealedDataKey: Bytes;
}

/** How this device introduces itself. */
export async function deviceMessage({
  storage,
  deviceName,
}: Environment): Promise<MessageInitShape<typeof DeviceSchema>> {
  const { uid, signer } = await storage.device();
  return { deviceUid: uidBytes(uid), publicKey: signer.publicKey, name: deviceName };
}

import type { Signer } from '../../protocol/crypto/ecdsa.ts';
import type { SignedCommand } from '../../protocol/messages/gen/command_pb.js';
import type { SessionSignal } from '../../protocol/messages/gen/session_pb.js';
import type { SessionKeys } from '../../protocol/session/session-keys.ts';
import type { Uid } from '../../protocol/uid.ts';

/** A session as its vault sees it. */
export interface VaultSession {
  readonly sessionUid: Uid;
  readonly keys: SessionKeys;
  readonly command: SignedCommand;
  /** Signs for another connection. */
  readonly resumeKey: Signer;
  /** What the gateway has said by sealed signals, opened. */
  readonly signals: SessionSignal[];
  /** Settles with the next signal of that kind, or one that came already. */
  signal(kind: SessionSignal['body']['case']): Promise<SessionSignal>;
}

/** Opens what the gateway says of a session, in its order, as it is heard. */
export function hearSignals(
  keys: SessionKeys,
): Pick<VaultSession, 'signals' | 'signal'> & { hear(sealed: Uint8Array): void } {
  const signals: SessionSignal[] = [];
  const waiting = new Set<() => void>();
  let opening = Promise.resolve();
  return {
    signals,
    hear: (sealed) => {
      opening = opening.then(async () => {
        signals.push(await keys.openSignal(sealed));
        for (const wake of waiting) wake();
      });
    },
    signal: async (kind) => {
      for (;;) {
        const found = signals.find(({ body }) => body.case === kind);
        if (found) return found;
        await new Promise<void>((resolve) => waiting.add(resolve));
      }
    },
  };
}

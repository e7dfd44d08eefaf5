import { expect } from 'vitest';
import { parseHex } from '../../protocol/bytes.ts';
import type { RecordContent } from '../../protocol/records/content.ts';
import { confirmationCounter, isConnectionSigned } from '../../protocol/signed/connection-signature.ts';
import { verifyShareLinkOpen } from '../../protocol/signed/share-link-open.ts';
import type { Uid } from '../../protocol/uid.ts';
import { runVectors } from './cases.ts';
import connections from './connection-signatures.json' with { type: 'json' };
import openings from './share-link-openings.json' with { type: 'json' };

interface Connection {
  readonly recordUid: Uid;
  readonly ownerUid: Uid;
  readonly ownerKey: string;
  readonly content: RecordContent;
  readonly confirmed: boolean;
  readonly counter: number;
}

runVectors<Connection>('connection signature', connections, ({ ownerKey, content, ...said }) => {
  const { confirmed, counter, ...scope } = said;
  expect(isConnectionSigned(parseHex(ownerKey), scope, content)).toBe(confirmed);
  expect(confirmationCounter(content)).toBe(BigInt(counter));
});

interface Opening {
  readonly browserKey: string;
  readonly linkUid: Uid;
  readonly accessToken: string;
  readonly signature: string;
}

runVectors<Opening>('opening of a share link', openings, ({ browserKey, linkUid, accessToken, signature }) =>
  verifyShareLinkOpen(parseHex(browserKey), linkUid, parseHex(accessToken), parseHex(signature)),
);

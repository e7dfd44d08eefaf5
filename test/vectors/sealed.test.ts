import { expect } from 'vitest';
import { encodeHex, parseHex } from '../../protocol/bytes.ts';
import { parseApplicationCopy, verifyApplicationCopy } from '../../protocol/session/application-copy.ts';
import { encodeEnrolmentToken, parseEnrolmentToken } from '../../protocol/session/enrolment-token.ts';
import { SessionKeys, type SessionScope, type Side } from '../../protocol/session/session-keys.ts';
import type { Uid } from '../../protocol/uid.ts';
import { accountWrappingKey, openDataKey, type SecretFactor } from '../../protocol/vault/account-keys.ts';
import { openRecord } from '../../protocol/vault/record-seal.ts';
import { runVectors } from './cases.ts';
import applicationCopies from './application-copies.json' with { type: 'json' };
import dataKeys from './data-keys.json' with { type: 'json' };
import enrolmentTokens from './enrolment-tokens.json' with { type: 'json' };
import records from './records.json' with { type: 'json' };
import sessionSignals from './session-signals.json' with { type: 'json' };

interface DataKey {
  readonly exportKey: string;
  readonly factor: SecretFactor;
  readonly accountUid: Uid;
  readonly sealed: string;
  readonly dataKey: string;
}

runVectors<DataKey>('data key', dataKeys, async (vector) => {
  const { factor, accountUid } = vector;
  const wrapping = await accountWrappingKey(parseHex(vector.exportKey), factor);
  const opened = await openDataKey(wrapping, accountUid, factor, parseHex(vector.sealed));
  expect(encodeHex(opened)).toBe(vector.dataKey);
});

interface Record {
  readonly key: string;
  readonly ownerUid: Uid;
  readonly recordUid: Uid;
  readonly revision: number;
  readonly sealed: string;
  readonly content: object;
}

runVectors<Record>('record', records, async (vector) => {
  const { key, ownerUid, recordUid, revision, sealed, content } = vector;
  const scope = { ownerUid, recordUid };
  expect(await openRecord(parseHex(key), scope, BigInt(revision), parseHex(sealed))).toEqual(content);
});

interface Signals {
  readonly side: Side;
  readonly seed: string;
  readonly nonce: string;
  readonly scope: SessionScope;
  readonly signals: readonly string[];
  readonly sequences: readonly number[];
}

runVectors<Signals>('session signal', sessionSignals, async (vector) => {
  const { side, scope, seed, nonce, signals, sequences } = vector;
  const keys = await SessionKeys.derive(side, scope, parseHex(seed), parseHex(nonce));
  const opened: number[] = [];
  for (const signal of signals) opened.push((await keys.openSignal(parseHex(signal))).sequence);
  expect(opened).toEqual(sequences);
});

interface Token {
  readonly text: string;
  readonly parts: {
    readonly token: string;
    readonly gatewayUid: Uid;
    readonly configurationUid: Uid;
    readonly serverIdentity: string;
  };
}

runVectors<Token>('enrolment token', enrolmentTokens, ({ text, parts }) => {
  const token = parseEnrolmentToken(text);
  expect(token).toEqual({
    ...parts,
    token: parseHex(parts.token),
    serverIdentity: parseHex(parts.serverIdentity),
  });
  expect(encodeEnrolmentToken(token)).toBe(text.trim());
});

interface Copy {
  readonly text: string;
  readonly ownerUid: Uid;
  readonly ownerKey: string;
  readonly expected: { readonly recordUid: Uid; readonly applicationUid: Uid };
}

runVectors<Copy>('application copy', applicationCopies, ({ text, expected, ...vector }) => {
  const copy = parseApplicationCopy(text, expected);
  verifyApplicationCopy(parseHex(vector.ownerKey), copy);
  const { content, ownerUid, revision, keyVersion } = copy;
  expect(content.type).toBe('login');
  expect({ ownerUid, revision, keyVersion }).toEqual({
    ownerUid: vector.ownerUid,
    revision: 2n,
    keyVersion: 3,
  });
});

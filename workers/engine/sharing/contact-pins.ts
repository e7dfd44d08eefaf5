import type { PinState } from '../../api/sharing.ts';
import { encodeBase64url, parseBase64url, wipe } from '../../../protocol/bytes.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { firstText, type RecordContent } from '../../../protocol/records/content.ts';
import { fingerprintWords } from '../../../protocol/sharing/fingerprint.ts';
import type { AccountIdentity } from '../../../protocol/signed/account-certificate.ts';
import type { Succession } from '../../../protocol/signed/key-succession.ts';
import type { RosterMember } from '../../../protocol/signed/roster.ts';
import { newUid, parseUid, type Uid } from '../../../protocol/uid.ts';
import type { MemberSuccessions } from '../organisation/member-successions.ts';
import type { RecordBook } from '../records/record-book.ts';
import { openPolicy, type Draft, type RecordWriter } from '../records/record-writer.ts';

export interface PinParts {
  readonly book: RecordBook;
  readonly writer: RecordWriter;
  readonly successions: Pick<MemberSuccessions, 'between'>;
}

/** Somebody's keys as they were when something was first shared with them. */
interface Pin {
  readonly recordUid: Uid;
  readonly accountUid: Uid;
  readonly ecdhKey: string;
  readonly signingKey: string;
  readonly verified: boolean;
  /** When the keys before these signed them over; null when a person never knew others. */
  readonly renewedAt: number | null;
}

/**
 * The keys of other people that this account has used, each in a record of its own: neither server nor administrator
 * exchanges one unnoticed. A change blocks until a person has compared the fingerprint. protocol.md §19.6.
 */
export class ContactPins {
  readonly #parts: PinParts;
  readonly #opened = new Map<Uid, { readonly revision: number; readonly pin: Pin | null }>();

  constructor(parts: PinParts) {
    this.#parts = parts;
  }

  async stateOf(member: RosterMember): Promise<PinState> {
    const pins = await this.#pinsOf(member.accountUid);
    const others = pins.filter((pin) => !fits(pin, member));
    if (others.length === 0) return stateOf(pins);
    const steps = await Promise.all(others.map((pin) => this.#stepsTo(pin, member)));
    return steps.every((step) => step !== null) ? 'pinned' : 'changed';
  }

  /** When the pinned keys of somebody signed over to those of now; null when they always had them. */
  async renewedAt(member: RosterMember): Promise<number | null> {
    const pins = await this.#pinsOf(member.accountUid);
    return pins.find((pin) => fits(pin, member))?.renewedAt ?? null;
  }

  /**
   * Moves pins on to keys that the pinned ones signed over to. The words of the new keys were not compared: they count as
   * pinned. Others wait for a person. protocol.md §23.4.
   */
  async follow(members: readonly RosterMember[]): Promise<void> {
    const drafts: Draft[] = [];
    for (const member of members) {
      for (const pin of (await this.#pinsOf(member.accountUid)).filter((one) => !fits(one, member))) {
        const last = (await this.#stepsTo(pin, member))?.at(-1);
        if (!last) continue;
        const draft = await this.#parts.writer.draftOf(pin.recordUid);
        drafts.push({ ...draft, content: contentOf(member, false, last.issuedAtMs) });
      }
    }
    if (drafts.length > 0) await this.#parts.writer.write(drafts);
  }

  /** The words of the pinned keys when they are others than the member's; null otherwise. */
  async formerWords(member: RosterMember): Promise<readonly string[] | null> {
    const former = (await this.#pinsOf(member.accountUid)).find((pin) => !fits(pin, member));
    if (!former) return null;
    return fingerprintWords(identityIn(former));
  }

  /** Pins who was not pinned yet. Throws `untrusted` when the keys of one of them are others: nobody is pinned then. */
  async require(members: readonly RosterMember[]): Promise<void> {
    const fresh: Draft[] = [];
    for (const member of members) {
      const state = await this.stateOf(member);
      if (state === 'changed')
        throw new ProtocolError(
          'untrusted',
          `the keys of ${member.email} changed: compare the fingerprint first`,
        );
      if (state === 'new') fresh.push(draftOf(contentOf(member, false)));
    }
    await this.#parts.writer.write(fresh);
  }

  /** These keys count from now on: a person compared them. */
  async confirm(member: RosterMember): Promise<void> {
    const pins = await this.#pinsOf(member.accountUid);
    const content = contentOf(member, true);
    if (pins.length === 0) return await this.#parts.writer.write([draftOf(content)]);
    const drafts = await Promise.all(pins.map(({ recordUid }) => this.#parts.writer.draftOf(recordUid)));
    await this.#parts.writer.write(drafts.map((draft) => ({ ...draft, content })));
  }

  async #stepsTo(pin: Pin, member: RosterMember): Promise<readonly Succession[] | null> {
    return await this.#parts.successions.between(identityIn(pin), member);
  }

  async #pinsOf(accountUid: Uid): Promise<readonly Pin[]> {
    const entries = this.#parts.book.ofType('contactPin');
    const pins = await Promise.all(entries.map(({ uid }) => this.#open(uid)));
    return pins.filter((pin) => pin !== null).filter((pin) => pin.accountUid === accountUid);
  }

  async #open(recordUid: Uid): Promise<Pin | null> {
    const revision = this.#parts.book.get(recordUid)?.revision ?? 0;
    const known = this.#opened.get(recordUid);
    if (known?.revision === revision) return known.pin;
    const { content, key } = await this.#parts.book.open(recordUid);
    wipe(key);
    const pin = content.type === 'contactPin' ? pinOf(recordUid, content) : null; // as it opens: never by an editor
    this.#opened.set(recordUid, { revision, pin });
    return pin;
  }
}

function identityIn({ accountUid, ecdhKey, signingKey }: Pin): AccountIdentity {
  return {
    accountUid,
    ecdhPublicKey: parseBase64url(ecdhKey),
    signingPublicKey: parseBase64url(signingKey),
  };
}

/** Of pins that all fit. */
function stateOf(pins: readonly Pin[]): PinState {
  if (pins.length === 0) return 'new';
  return pins.some(({ verified }) => verified) ? 'verified' : 'pinned';
}

function fits({ ecdhKey, signingKey }: Pin, { ecdhPublicKey, signingPublicKey }: RosterMember): boolean {
  return ecdhKey === encodeBase64url(ecdhPublicKey) && signingKey === encodeBase64url(signingPublicKey);
}

function draftOf(content: RecordContent): Draft {
  return { uid: newUid(), key: randomBytes(32), baseRevision: 0n, content, policy: openPolicy };
}

function contentOf(member: RosterMember, verified: boolean, renewedAt: number | null = null): RecordContent {
  const text = (label: string, value: string) => ({ type: 'text', label, value: [value] });
  return {
    type: 'contactPin',
    title: member.email,
    fields: [
      text('accountUid', member.accountUid),
      text('ecdhKey', encodeBase64url(member.ecdhPublicKey)),
      text('signingKey', encodeBase64url(member.signingPublicKey)),
      text('verified', verified ? 'yes' : 'no'),
      ...(renewedAt === null ? [] : [text('renewedAt', String(renewedAt))]),
    ],
  };
}

/** Null for one that cannot be read: as if it were not there. */
function pinOf(recordUid: Uid, content: RecordContent): Pin | null {
  const text = (label: string) => {
    const field = content.fields.find((one) => one.label === label);
    return field ? firstText({ ...content, fields: [field] }, 'text') : '';
  };
  try {
    return {
      recordUid,
      accountUid: parseUid(text('accountUid')),
      ecdhKey: text('ecdhKey'),
      signingKey: text('signingKey'),
      verified: text('verified') === 'yes',
      renewedAt: Number(text('renewedAt')) || null,
    };
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}

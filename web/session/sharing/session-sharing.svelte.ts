import type { SharingPolicy } from '../../../protocol/records/pam-settings.ts';
import { shownName } from '../../../protocol/records/shown-name.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type {
  GuestPart,
  SessionGuest,
  SessionShareView,
  SessionStarted,
  ShareSession,
  VaultVerbs,
} from '../../../workers/api.ts';

/** With whom one session is shared, and who is in it: of its own attempt alone. */
export class SessionSharing {
  /** How far this person may share it. */
  allowed = $state<SharingPolicy>('off');
  /** Of somebody else's session: what one is in it. */
  part = $state.raw<GuestPart | null>(null);
  /** Everybody who is in it now, as the gateway says. */
  guests = $state.raw<readonly SessionGuest[]>([]);
  /** Every invitation that still stands, as far as its time goes. */
  shares = $state.raw<readonly SessionShareView[]>([]);
  readonly #verbs: Pick<VaultVerbs, 'shareSession' | 'unshareSession'>;
  #sessionUid: Uid | null = null;

  constructor(verbs: Pick<VaultVerbs, 'shareSession' | 'unshareSession'>) {
    this.#verbs = verbs;
  }

  /** The gateway has opened it. */
  begin({ sessionUid, sharing, guest }: Pick<SessionStarted, 'sessionUid' | 'sharing' | 'guest'>): void {
    this.#sessionUid = sessionUid;
    Object.assign(this, { allowed: sharing, part: guest, guests: [], shares: [] });
  }

  /** With the session everything of it is over. */
  end(): void {
    this.#sessionUid = null;
    Object.assign(this, { allowed: 'off', guests: [], shares: [] });
  }

  /** Who is in it now. Gives the sentence that says what changed, or null. */
  tell(guests: readonly SessionGuest[]): string | null {
    const [come, gone] = [without(guests, this.guests), without(this.guests, guests)];
    this.guests = guests;
    if (come.length > 0 && come.every(({ byPolicy }) => byPolicy))
      return `${namesOf(come)} ${come.length === 1 ? 'is' : 'are'} watching, as an administrator.`;
    if (come.length > 1) return `${namesOf(come)} joined.`;
    if (come.length > 0)
      return `${namesOf(come)} ${come.some(({ typing }) => typing) ? 'joined and may type' : 'is looking on'}.`;
    return gone.length > 0 ? `${namesOf(gone)} left.` : null;
  }

  async share(input: Omit<ShareSession, 'sessionUid'>): Promise<void> {
    const sessionUid = this.#running();
    const share = await this.#verbs.shareSession({ ...input, sessionUid });
    if (this.#sessionUid === sessionUid) this.shares = [...this.standing(), share];
  }

  /** One, or all: who is in by it is out. */
  async takeBack(shareUid: Uid | null): Promise<void> {
    await this.#verbs.unshareSession({ sessionUid: this.#running(), shareUid });
    this.shares = shareUid === null ? [] : this.shares.filter((share) => share.shareUid !== shareUid);
  }

  standing(now = Date.now()): readonly SessionShareView[] {
    return this.shares.filter(({ until }) => until > now);
  }

  isIn(shareUid: Uid): boolean {
    return this.guests.some((guest) => guest.shareUid === shareUid);
  }

  #running(): Uid {
    if (this.#sessionUid === null) throw new Error('no session');
    return this.#sessionUid;
  }
}

function without(all: readonly SessionGuest[], others: readonly SessionGuest[]): readonly SessionGuest[] {
  return all.filter(({ shareUid }) => !others.some((other) => other.shareUid === shareUid));
}

/** "ada@example.test and ben@example.test" */
export function namesOf(guests: readonly SessionGuest[]): string {
  return new Intl.ListFormat('en').format(guests.map(({ email }) => shownName(email)));
}

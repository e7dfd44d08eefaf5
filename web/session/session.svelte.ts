import type { Uid } from '../../protocol/uid.ts';
import type { RecordingNotice, RecordView, SessionStarted, SuppliedLogin } from '../../workers/api.ts';
import { SessionClipboard } from './clipboard/session-clipboard.svelte.ts';
import { describeFailure, type FailureText, type SessionFailure } from './failures/failures.ts';
import { SessionFiles } from './files/session-files.svelte.ts';
import { asksForTrust, explainedCode } from './failures/machine-identity-failures.ts';
import { describeMissing } from './missing-parts.ts';
import { StickyModifiers } from './keyboard/sticky-modifiers.svelte.ts';
import { LegTrail } from './legs.svelte.ts';
import type { PanelName } from './panels/panel-name.ts';
import type { RemoteScreen } from './screen/remote-screen.ts';
import { SessionSharing } from './sharing/session-sharing.svelte.ts';
import { SessionSound } from './sound/session-sound.svelte.ts';
import { ScreenView } from './screen/screen-view.svelte.ts';
import type {
  Answers,
  GuestPlace,
  HostKeyOffer,
  RunSubject,
  SessionPolicy,
  SessionServices,
} from './run-targets.ts';
import type { ScreenSize } from './screen/screen-size.ts';
import { SessionRun } from './session-run.ts';

export type SessionPhase = 'connecting' | 'open' | 'reconnecting' | 'failed' | 'ended';

export interface SessionSubject {
  readonly recordUid: Uid;
  readonly title: string;
  /** Somebody else's session, in which one is a guest: there is no record. */
  readonly invited?: GuestPlace;
}

const latencyEveryMs = 1_000;

/** One session tab: what is drawn, how it stands, and why it ended. It outlives its attempts. */
export class Session {
  readonly tab: string;
  readonly recordUid: Uid;
  readonly title: string;
  phase = $state<SessionPhase>('connecting');
  trail = $state.raw(new LegTrail());
  screen = $state.raw<RemoteScreen | null>(null);
  policy = $state.raw<SessionPolicy | null>(null);
  /** Whether this person may give a login of their own. */
  maySupply = $state(false);
  failure = $state.raw<(FailureText & { readonly code: string; readonly message: string }) | null>(null);
  hostKey = $state.raw<HostKeyOffer | null>(null);
  /** What the machine showed is being pinned. */
  trusting = $state(false);
  /** Why it was not. */
  trustFailure = $state.raw<unknown>(null);
  /** What is recorded of it; null: nothing. `failed`: it should be. */
  recording = $state.raw<RecordingNotice | null>(null);
  /** Administrators may look on at it, by the gateway's policy: seen by this person or not; null: none may. */
  watch = $state.raw<SessionStarted['watch']>(null);
  /** What this person may do with the record, as far as it is known yet. */
  access = $state.raw<RecordView['access']>('owner');
  /** Browser to gateway and gateway to target. */
  gatewayMs = $state<number | null>(null);
  targetMs = $state<number | null>(null);
  /** The session has no direct path, and goes through the server. */
  throughServer = $state(false);
  /** What is about to end the session, and when, by `performance.now()`. */
  ending = $state.raw<{ readonly code: string; readonly at: number } | null>(null);
  /** A sentence for the person, such as why a paste did not happen. */
  remark = $state<string | null>(null);
  /** Rises when the session gives the keyboard back. */
  releases = $state(0);
  readonly view: ScreenView;
  readonly sticky = new StickyModifiers();
  /** The on-screen keyboard is open. */
  keyboard = $state(false);
  /** The device's own keyboard may open: only where somebody asked for it. */
  typing = $state(false);
  readonly sound = new SessionSound((wanted) => this.#run?.hear(wanted));
  readonly clipboard = new SessionClipboard(this);
  /** What lies open over the picture. */
  panel = $state<PanelName | null>(null);
  /** Rises when the session is to have the keyboard. */
  takes = $state(0);
  readonly sharing: SessionSharing;
  /** Its dialog for sharing is open. */
  sharingOpen = $state(false);
  /** By which one is a guest in it; null: it is one's own. */
  readonly invited: GuestPlace | null;
  /** The machine's files; kept over attempts, with what is on its way. null: none. */
  files = $state.raw<SessionFiles | null>(null);
  readonly #services: SessionServices;
  #run: SessionRun | null = null;
  #size: ScreenSize | null = null;
  #answers: Answers = {};
  #closed = false;
  #latencyTimer: ReturnType<typeof setInterval> | null = null;

  constructor(tab: string, { recordUid, title, invited }: SessionSubject, services: SessionServices) {
    this.tab = tab;
    this.invited = invited ?? null;
    if (invited) this.access = 'launch';
    this.sharing = new SessionSharing(services.verbs);
    this.recordUid = recordUid;
    this.view = new ScreenView(recordUid);
    this.title = title;
    this.#services = services;
    performance.mark('sallyport:connect');
  }

  /** Called with the size of the place it is drawn in, once that is known and after every change. */
  fit(size: ScreenSize): void {
    const first = this.#size === null;
    this.#size = size;
    if (first) this.#begin({});
    else this.screen?.resize(size);
  }

  /** Instead of input, when the session is about to end without any. */
  stayConnected(): void {
    this.#run?.stayConnected();
  }

  disconnect(): void {
    this.#run?.stop();
  }

  reconnect(): void {
    performance.mark('sallyport:connect');
    this.#begin({});
  }

  /** With a login of the person's own, which is kept for this try alone. */
  signIn(supplied: SuppliedLogin): void {
    performance.mark('sallyport:connect');
    this.#begin({ supplied });
  }

  takeKeyboard(): void {
    this.takes += 1;
  }

  togglePanel(panel: PanelName): void {
    this.panel = this.panel === panel ? null : panel;
  }

  /** The person compared the fingerprint: it is pinned in the record and accepted for this session. */
  async trustHostKey(): Promise<void> {
    const offer = this.hostKey;
    if (offer === null || this.trusting) return;
    this.trusting = true;
    this.trustFailure = null;
    try {
      await this.#services.verbs.pinHostKey({ recordUid: this.recordUid, hostKey: offer.key });
    } catch (error) {
      this.trustFailure = error;
      return;
    } finally {
      this.trusting = false;
    }
    this.#begin({ ...this.#answers, acceptedHostKey: offer.key });
  }

  /** For good: what was asked before and is answered later begins nothing. */
  close(): void {
    this.#closed = true;
    this.files?.close();
    this.sound.close();
    this.#run?.stop();
    this.#answers = {};
    this.#stopClock();
    this.screen = null;
  }

  #begin(answers: Answers): void {
    if (this.#size === null || this.#closed) return;
    this.#run?.stop();
    this.#answers = answers;
    this.phase = 'connecting';
    this.trail = new LegTrail();
    Object.assign(this, { screen: null, failure: null, hostKey: null, trustFailure: null, remark: null });
    Object.assign(this, { gatewayMs: null, targetMs: null, recording: null, ending: null, watch: null });
    this.clipboard.reset();
    this.sticky.clear();
    const run: SessionRun = new SessionRun(this.#services, this.#subject, this.trail, {
      screen: (screen, policy) => {
        this.screen = screen;
        this.policy = policy;
        this.view.adopt(screen, policy);
        if (policy.certificateIgnored) this.remark = 'The certificate of this machine is not checked.';
      },
      maySupply: (may) => (this.maySupply = may),
      firstFrame: () => this.#opened(),
      access: (access) => (this.access = access),
      hostKey: (offer) => this.#offered(offer),
      recording: (notice) => (this.recording = notice),
      recordingStopped: () => this.#recordingStopped(),
      recordingWaits: (waits) => this.#recordingWaits(waits),
      endingSoon: (code, leftMs) => this.#endingSoon(code, leftMs),
      away: () => this.#awayFrom(),
      back: () => this.#backTo(),
      files: (access) => (this.files ??= new SessionFiles()).offer(access),
      started: (started) => this.#started(started),
      guests: (guests) => (this.remark = this.sharing.tell(guests) ?? this.remark),
      targetRtt: (milliseconds) => (this.targetMs = milliseconds),
      copied: (text) => void this.clipboard.receive(text),
      sound: (stream, mimetype) => this.sound.take(stream, mimetype),
      sticky: () => this.sticky.take(),
      scaled: (scale) => (this.view.scale = scale),
      pinched: (ratio, around) => this.view.pinch(ratio, around),
      pasted: (text) => this.clipboard.paste(text),
      released: () => (this.releases += 1),
      ended: (failure) => {
        if (this.#run === run) this.#ended(failure);
      },
    });
    this.#run = run;
    void run.start(this.#size, answers);
  }

  get #subject(): RunSubject {
    const { recordUid, invited } = this;
    return { recordUid, ...(invited && { invited }) };
  }

  #started(started: SessionStarted): void {
    this.sharing.begin(started);
    this.watch = started.watch;
    this.remark = describeMissing(started.missing) ?? this.remark;
  }

  #recordingStopped(): void {
    const why = this.recording?.waiting
      ? 'There is no room for the recording any more'
      : 'The recording failed';
    if (this.recording !== null) this.recording = { ...this.recording, failed: true, waiting: false };
    this.remark = `${why}. The session goes on without it.`;
  }

  #recordingWaits(waits: boolean): void {
    if (this.recording === null || this.recording.waiting === waits) return;
    this.recording = { ...this.recording, waiting: waits };
    this.remark = waits
      ? 'The server has no room for recordings. This one waits, sealed, at the gateway; tell an administrator.'
      : 'The server has room for the recording again.';
  }

  #endingSoon(code: string, leftMs: number): void {
    if (leftMs > 0) this.ending = { code, at: performance.now() + leftMs };
    else if (this.ending?.code === code) this.ending = null;
  }

  #opened(): void {
    if (this.phase !== 'connecting') return;
    this.#answers = {};
    performance.mark('sallyport:first-frame');
    this.trail.complete();
    this.phase = 'open';
    this.files?.begin();
    this.#look();
    this.#latencyTimer = setInterval(() => this.#look(), latencyEveryMs);
  }

  #look(): void {
    this.gatewayMs = this.#run?.roundTripMs ?? null;
    this.throughServer = this.#run?.throughServer ?? false;
  }

  /** Keys that are down are let go of: the session hears of it when the way is back. */
  #awayFrom(): void {
    if (this.screen !== null) this.screen.held = true;
    if (this.phase === 'open') this.phase = 'reconnecting';
    this.gatewayMs = null;
  }

  #backTo(): void {
    if (this.screen !== null) this.screen.held = false;
    if (this.phase === 'reconnecting') this.phase = 'open';
  }

  #offered(offer: HostKeyOffer): void {
    this.hostKey = offer;
    if (!offer.trustedOnFirstUse) return;
    this.remark = `Trusted on first use: ${offer.fingerprint}`;
    this.#services.verbs.pinHostKey({ recordUid: this.recordUid, hostKey: offer.key }).catch(() => {
      this.remark = 'It was trusted for this session but could not be kept in the record.';
    });
  }

  #ended(failure: SessionFailure): void {
    this.#stopClock();
    Object.assign(this, { panel: null, ending: null });
    this.sharing.end();
    this.sound.close();
    this.clipboard.pending = null;
    this.files?.lose();
    const wasOpen = this.phase === 'open' || this.phase === 'reconnecting';
    const code = wasOpen ? this.#codeOf(failure) : codeBeforeOpen(this.#codeOf(failure));
    if (!asksForTrust(code)) this.#answers = {}; // which trusting the key says once more
    const text = describeFailure({ ...failure, code });
    const calm = text.tone === 'calm';
    const leg = calm && wasOpen ? null : this.trail.fail(failure.leg ?? text.leg);
    this.failure = { ...text, leg, code, message: failure.message };
    this.phase = calm ? 'ended' : 'failed';
  }

  /** As this person has to know it: to a guest, and of the way there, it is another thing than to who owns the record. */
  #codeOf({ leg, code }: SessionFailure): string {
    if (this.invited !== null && ['not-found', 'not-allowed'].includes(code))
      return this.invited.watched === undefined ? 'share-gone' : 'watch-gone';
    return leg === 'jump' ? code : explainedCode(code, this.hostKey, this.access);
  }

  #stopClock(): void {
    if (this.#latencyTimer !== null) clearInterval(this.#latencyTimer);
    this.#latencyTimer = null;
  }
}

/** Of a session that did not begin nothing was recorded. */
function codeBeforeOpen(code: string): string {
  return code === 'recording-no-room' ? 'no-room-to-record' : code;
}

import type { Stream } from '../../protocol/channel/multiplexer.ts';
import type { StreamControl } from '../../protocol/messages/gen/session_pb.js';
import { ProtocolError, toProtocolError } from '../../protocol/errors.ts';
import { connectionKindOf } from '../../protocol/records/connection-protocols.ts';
import type { Uid } from '../../protocol/uid.ts';
import type { LegName, SessionEvent, SessionStarted } from '../../workers/api.ts';
import type { SessionFailure } from './failures/failures.ts';
import { MachineFiles } from './files/machine-files.ts';
import type { LegTrail } from './legs.svelte.ts';
import type { PeerLease } from './way/peer-connections.ts';
import { RunFailure } from './failures/run-failure.ts';
import type { RemoteScreen } from './screen/remote-screen.ts';
import type { Answers, RunSubject, RunTargets, SessionServices } from './run-targets.ts';
import type { ScreenSize } from './screen/screen-size.ts';
import { orderSession, readPlace, requireLogin } from './session-order.ts';
import { failureOf, guestOf, legOfProto, refusalOf } from './signal-text.ts';

/** A stream's end and the sealed signal that says why come by two ways: so long the second may take. */
const reasonMs = 1_500;

/** Whoever could have let the session go through the server is named. */
const noPathCodes = {
  server: 'ice-failed-server-off',
  gateway: 'ice-failed-gateway-off',
  broken: 'ice-failed',
} as const;

/** One attempt at a session, from the command to the end of the stream. */
export class SessionRun {
  readonly #services: SessionServices;
  readonly #subject: RunSubject;
  readonly #legs: LegTrail;
  readonly #targets: RunTargets;
  #lease: PeerLease | null = null;
  #sessionUid: Uid | null = null;
  #stream: Stream | null = null;
  #screen: RemoteScreen | null = null;
  #stopListening: () => void = () => {};
  #stopRiding: () => void = () => {};
  #reasonDeadline: ReturnType<typeof setTimeout> | null = null;
  #over = false;

  constructor(services: SessionServices, subject: RunSubject, legs: LegTrail, targets: RunTargets) {
    this.#services = services;
    this.#subject = subject;
    this.#legs = legs;
    this.#targets = targets;
  }

  /** Browser to gateway, smoothed; null while unknown. */
  get roundTripMs(): number | null {
    return this.#lease?.peer.multiplexer?.roundTripMs ?? null;
  }

  /** There is no direct path: what is sent goes through the server, sealed. */
  get throughServer(): boolean {
    return this.#lease?.peer.throughServer ?? false;
  }

  async start(size: ScreenSize, answers: Answers): Promise<void> {
    try {
      await this.#attempt(size, answers);
    } catch (error) {
      this.#finish(refusalOf(error));
    }
  }

  /** The person is there, though they do nothing. */
  stayConnected(): void {
    if (this.#stream?.open) this.#stream.control({ body: { case: 'stayConnected', value: {} } });
  }

  /** Whether what the machine sounds is played: else it is not even sent. */
  hear(wanted: boolean): void {
    if (this.#stream?.open) this.#stream.control({ body: { case: 'soundWanted', value: { wanted } } });
  }

  /** Ends the session on purpose. */
  stop(): void {
    this.#screen?.close();
    this.#finish({ leg: null, code: 'closed', message: '' });
  }

  async #attempt(size: ScreenSize, answers: Answers): Promise<void> {
    this.#legs.start('router');
    // The part that draws is fetched while the command is on its way.
    const screenModule = import('./screen/remote-screen.ts');
    const { verbs } = this.#services;
    const { gatewayUid, connection } = await readPlace(verbs, this.#subject, this.#targets);
    if (this.#over) return;
    requireLogin(connection, answers);
    const started = await this.#command(gatewayUid, size, answers);
    if (this.#over) return this.#forget(started.sessionUid);
    this.#adopt(started);
    const lease = this.#lease;
    if (lease === null) return;
    this.#legs.start('ice');
    const { answer, detour } = started;
    // The way through the server may be open before the answer is taken in.
    if (answer !== null) await Promise.race([lease.peer.accept(answer, detour), this.#awaitPeer(lease)]);
    const multiplexer = await this.#awaitPeer(lease);
    const { RemoteScreen } = await screenModule;
    if (this.#over) return;
    this.#legs.throughServer = lease.peer.throughServer;
    this.#legs.done('ice');
    this.#legs.start('guacd');
    const stream = multiplexer.openStream({ streamToken: started.streamToken });
    this.#watch(stream);
    // What the gateway holds it to: who may only launch does not read it in the record.
    const { protocol, resizes, certificateIgnored, watermark } = started;
    const { terminal } = connectionKindOf(protocol);
    const policy = {
      ...connection,
      ...{ ...started.clipboard, protocol, terminal, resizes, certificateIgnored, watermark },
    };
    this.#screen = new RemoteScreen(stream, size, policy, {
      ...this.#targets,
      failed: (message) => this.#finish({ leg: 'guacd', code: 'guacd-error', message }),
    });
    this.#targets.screen(this.#screen, policy);
    this.#offerFiles(started);
  }

  /** Each request has a stream of its own, on whatever carries the session then. */
  #offerFiles({ files: notice }: SessionStarted): void {
    if (notice === null) return;
    const { token, upload, download, drive } = notice;
    const files = new MachineFiles((ask) => {
      const multiplexer = this.#over ? null : this.#lease?.peer.multiplexer;
      if (!multiplexer) throw new ProtocolError('unavailable', 'no session');
      return multiplexer.openStream({ streamToken: token, file: { ask } });
    });
    this.#targets.files({ files, upload, download, drive });
  }

  /** Over an open peer connection if there is one; a gateway that has forgotten it gets a new one. */
  async #command(gatewayUid: Uid, size: ScreenSize, answers: Answers): Promise<SessionStarted> {
    const lease = await this.#services.peers.take(gatewayUid);
    this.#lease = lease;
    if (this.#over) {
      this.#release();
      throw new ProtocolError('cancelled', 'left meanwhile');
    }
    try {
      return await this.#send(lease, size, answers);
    } catch (error) {
      const code = refusalOf(error).code;
      if (lease.fresh || this.#over || code !== 'peer-gone') throw error;
      lease.peer.close();
      lease.release();
      this.#lease = this.#services.peers.takeNew(gatewayUid);
      return this.#send(this.#lease, size, answers);
    }
  }

  /** An offer that was refused is never answered: the next try must not wait for that. */
  async #send(lease: PeerLease, size: ScreenSize, answers: Answers): Promise<SessionStarted> {
    try {
      return await orderSession(this.#services.verbs, this.#subject, { lease, size, answers });
    } catch (error) {
      if (lease.fresh) lease.peer.close();
      throw error;
    }
  }

  /** The gateway has answered: from here its signals and our candidates name the session. */
  #adopt(started: SessionStarted): void {
    const { sessionUid, recording } = started;
    this.#sessionUid = sessionUid;
    this.#targets.started(started);
    if (recording !== null) this.#targets.recording(recording);
    this.#legs.done('router');
    this.#legs.done('gateway');
    this.#stopListening = this.#services.events.listen(sessionUid, (event) => this.#onEvent(event));
    this.#ride(started);
    if (this.#lease?.fresh !== true) return;
    this.#lease.peer.trickle((candidate) => {
      // One lost candidate is not the end: others, or the peer's own checks, may find the path.
      this.#services.verbs.sendCandidate({ sessionUid, ...candidate }).catch(() => {});
    });
  }

  async #awaitPeer(lease: PeerLease): Promise<Awaited<PeerLease['peer']['opened']>> {
    try {
      return await lease.peer.opened;
    } catch (error) {
      const { code, message } = toProtocolError(error) ?? { code: 'unavailable', message: '' };
      const refused = code === 'malformed' || code === 'too-large';
      const failed = noPathCodes[lease.peer.noDetour ?? 'broken'];
      throw new RunFailure({ leg: 'ice', code: refused ? 'relays-refused' : failed, message });
    }
  }

  /** From here on the gateway keeps the session for this page, which may lose its first way before it used it. */
  #ride({ sessionUid, resumeMs }: SessionStarted): void {
    if (this.#lease === null) return;
    this.#stopRiding = this.#lease.peer.ride({
      ...{ sessionUid, graceMs: resumeMs },
      away: () => this.#over || this.#targets.away(),
      back: () => this.#over || this.#targets.back(),
      gone: (code) => this.#finish({ leg: 'ice', code, message: '' }),
    });
  }

  #watch(stream: Stream): void {
    this.#stream = stream;
    stream.onControl = (control) => this.#onControl(control);
    stream.onEnd = () => this.#awaitReason({ leg: null, code: 'target-closed', message: '' });
    stream.onReset = (code) => {
      const lost =
        ['timed-out', 'unavailable', 'cancelled'].includes(code) || this.#lease?.peer.gone === true;
      if (lost) this.#finish({ leg: 'ice', code: 'peer-lost', message: '' });
      else this.#awaitReason({ leg: null, code, message: '' });
    };
  }

  /** The stream ended without a word: the gateway's own, on its way through the router, is the better one. */
  #awaitReason(otherwise: SessionFailure): void {
    if (this.#over || this.#reasonDeadline !== null) return;
    this.#reasonDeadline = setTimeout(() => this.#finish(otherwise), reasonMs);
  }

  #onEvent(event: SessionEvent): void {
    switch (event.kind) {
      case 'candidate':
        return void this.#lease?.peer.addCandidate(event);
      case 'progress':
        return this.#onProgress(event.leg, event.state);
      case 'host-key':
        return this.#targets.hostKey(event);
      case 'recording-stopped':
        return this.#targets.recordingStopped();
      case 'recording-waits':
        return this.#targets.recordingWaits(event.waits);
      case 'ending-soon':
        return this.#targets.endingSoon(event.code, event.leftMs);
      case 'guests':
        return this.#targets.guests(event.guests);
      case 'ended':
        return this.#finish(asRemote(event));
    }
  }

  #onControl({ body }: StreamControl): void {
    switch (body.case) {
      case 'ended':
        return this.#finish(asRemote(failureOf(body.value)));
      case 'targetRttUs':
        return this.#targets.targetRtt(body.value / 1_000);
      case 'hostKey':
        return this.#targets.hostKey(body.value);
      case 'recordingStopped':
        return this.#targets.recordingStopped();
      case 'recordingWaits':
        return this.#targets.recordingWaits(body.value.waits);
      case 'endingSoon':
        return this.#targets.endingSoon(body.value.code, body.value.leftMs);
      case 'progress':
        return this.#onProgress(legOfProto(body.value.leg), body.value.state === 2 ? 'done' : 'started');
      case 'guests':
        return this.#targets.guests(body.value.guests.map(guestOf));
      case 'stayConnected': // a page's to say
      case 'soundWanted':
      case undefined:
        return;
    }
  }

  #onProgress(leg: LegName | null, state: 'started' | 'done'): void {
    if (leg === null || this.#over) return;
    if (state === 'started') this.#legs.start(leg);
    else this.#legs.done(leg);
  }

  #finish(failure: SessionFailure): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#reasonDeadline !== null) clearTimeout(this.#reasonDeadline);
    this.#stopListening();
    if (this.#stream?.open) this.#stream.end();
    this.#stopRiding();
    this.#release();
    if (this.#sessionUid !== null) this.#forget(this.#sessionUid);
    this.#targets.ended(failure);
  }

  /** Nobody goes on opening a way that was this session's to open: the next one must not wait for it. */
  #release(): void {
    if (this.#lease === null) return;
    const { fresh, peer, release } = this.#lease;
    if (fresh && peer.multiplexer === null) peer.close();
    release();
  }

  #forget(sessionUid: Uid): void {
    // Offline or locked: the worker forgets the keys by itself, and the stream's end has told the gateway.
    this.#services.verbs.endSession(sessionUid).catch(() => {});
  }
}

/** A normal end that this page did not ask for is the machine's: its shell was left. */
function asRemote(failure: SessionFailure): SessionFailure {
  return failure.code === 'closed' ? { ...failure, code: 'target-closed' } : failure;
}

/** Every bound of the protocol, in one place, each with its reason. Bytes unless the name says otherwise. */
export const limits = {
  /**
   * GCM messages under one key with random 96-bit nonces. NIST SP 800-38D §8.3 allows 2^32; we stop far
   * below (collision probability under 2^-50 at 2^23) because no key of ours needs more.
   */
  messagesPerKey: 2 ** 23,
  /** Counter-mode channel keys (transmission channels) never repeat a nonce; the bound keeps counters exact in a double. */
  framesPerChannelKey: 2 ** 40,

  /** One record's plaintext. A long private key is 4 KiB and notes are text; files go elsewhere. */
  recordPlaintext: 256 * 1024,
  /** Characters of one text of a field: four private keys of RSA-16384. */
  fieldText: 64 * 1024,
  /** Record types that an administrator made, and what each may have. `text` holds all of them as JSON. */
  customTypes: { types: 200, fields: 50, label: 100, options: 100, text: 1024 * 1024 },
  /** Users linked to one machine: a directory of a large host has dozens. */
  linkedUsers: 500,
  /** Characters of an attachment's name and media type. */
  fileName: 255,
  mediaType: 127,
  /** Plaintext of every chunk of a file but the last: a quarter of a request, so that a lost one is cheap to send again. */
  fileChunk: 1024 * 1024,
  /** The last chunk of a longer file is padded to this: an eighth of a chunk hides more than it costs. */
  fileChunkPadding: 128 * 1024,
  /** Chunks of one file, 16 GiB: what a server can remember of an upload in 2 KiB. */
  fileChunks: 16 * 1024,
  /** Attachments of one record: their names and keys are in its content. */
  filesPerRecord: 500,
  /** Files of one account, each a row and a folder at the server. */
  filesPerAccount: 100_000,
  /** Uploads of one account that are under way. */
  uploadsPerAccount: 200,
  /** How long an upload may stand still before its chunks go. */
  uploadMs: 24 * 60 * 60_000,
  /** A share link: what it holds in plaintext, how long, and how often it may be opened. */
  shareLink: { plaintext: 64 * 1024, longestMs: 90 * 24 * 60 * 60_000, views: 100, perAccount: 1_000 },
  /** Sizes a server sees are rounded up to these buckets, then to multiples of the last. */
  paddingBuckets: [256, 512, 1024, 2048, 4096, 8192, 16384] as readonly number[],
  /** Records of one account. Ten times what the vault must stay instant at. */
  recordsPerAccount: 500_000,
  /** Changes of one record that a device may have missed: one a minute for two years. */
  revisionJump: 2 ** 20,
  /**
   * The sealed index that waits at the server for an account's next new device (protocol.md §24): plaintext of a part, a
   * quarter of a request; parts, enough for 200,000 records of 300 bytes; how long one may be staged; how long a part may take
   * before another device begins anew, at 150 kbit/s; and the things from which on opening them all takes a second or so,
   * which it saves.
   */
  heldIndex: { part: 1024 * 1024, parts: 64, stageMs: 10 * 60_000, quietMs: 60_000, things: 1_000 },
  /** How long a device keeps the sealed content of a record that the server calls deleted. */
  deletedRecordMs: 30 * 24 * 60 * 60_000,
  /** Objects of a kind that one request writes: about 1 MiB of small records. */
  changesPerRequest: 500,
  /**
   * Objects in one sync page, which is about 2 MiB of records at most: each page costs a round trip with a signature and
   * a commit, and must not keep the worker from what a person asks of it.
   */
  syncPageObjects: 2_000,
  /** Objects that one run of a sync takes: far more than the largest account has. */
  syncRunObjects: 4_000_000,
  /** Bytes of one API request or response body, transmission layer included. */
  apiBody: 4 * 1024 * 1024,
  /** One API request of anybody, before sign-in: the largest, which makes an account with its organisation, has 6 KiB. */
  openBody: 64 * 1024,
  /** One secrets-manager response: every record of a large application, small ones at a few KiB each. */
  secretsManagerBody: 16 * 1024 * 1024,
  /**
   * What general applications have of one account (protocol.md §31): records, folders, shares of one application, of which
   * its sealed record holds fewer, writes that wait for a vault; a file in the form they read, which clients hold in memory
   * whole; all files; and events kept.
   */
  secrets: {
    records: 50_000,
    folders: 10_000,
    shares: 10_000,
    sealedShares: 4_000,
    writes: 10_000,
    file: 256 * 1024 * 1024,
    fileChunk: 1024 * 1024,
    filesPerAccount: 10_000,
    events: 100_000,
  },
  /** Times a secrets-manager client asks again when it is throttled, as other clients of that protocol do. */
  secretsManagerRetries: 5,
  /** One frame of a vault or gateway WebSocket: an SDP with every candidate is under 16 KiB. */
  linkFrame: 256 * 1024,
  /** Frames a link keeps for a peer that is away, for resuming. More is a lost peer. */
  linkReplayFrames: 512,
  /** How long a broken link may be resumed. */
  linkResumeMs: 60_000,
  /** How far a sender's clock may be off before its request is refused. */
  clockSkewMs: 5 * 60_000,
  /** A signed command lives this long; the replay window of a gateway must cover it plus the clock skew. */
  commandLifetimeMs: 30_000,
  /** Nonces a gateway remembers. At 100 commands a second the window above holds 33,000. */
  replayWindowEntries: 65_536,
  /** How long the router waits for a gateway's answer to a command before saying so. */
  commandTimeoutMs: 15_000,
  /** A device's session token, renewed while in use. */
  sessionTokenMs: 12 * 60 * 60_000,
  /** One-time tokens for gateways: long enough to walk to another machine. */
  enrolmentTokenMs: 60 * 60_000,

  /** Argon2id floor and ceiling for keys derived on this device (RFC 9106 §4; OWASP 2023). */
  argon2: { minMemoryKiB: 64 * 1024, maxMemoryKiB: 1024 * 1024, minPasses: 3, maxPasses: 16, parallelism: 1 },
  /** A master password. NIST SP 800-63B §5.1.1.2 asks for at least 8 and room for 64. */
  password: { min: 10, max: 512 },

  /** Data-channel frame payload. 16 KiB is the largest message that every WebRTC stack interleaves well. */
  framePayload: 16 * 1024,
  /** A frame under load on a slow path: one SCTP chunk, so that latency stays at the round trip. */
  framePayloadUnderLoad: 1024,
  /** Control message on a stream: progress, latency, end. */
  frameControl: 8 * 1024,
  /** Streams of one peer connection. */
  streamsPerPeer: 64,
  /** Credit a receiver grants at first, and at most, per stream. */
  initialCredit: 128 * 1024,
  maxCredit: 4 * 1024 * 1024,
  /**
   * Bytes kept in the data channel itself: enough to keep it busy between two of its low-water events, little enough
   * that a heartbeat or a keystroke behind them is not late.
   */
  channelHighWater: 64 * 1024,
  channelLowWater: 32 * 1024,
  /** Bytes that wait in a stream before its writer is asked to wait; four times that is a writer that never does. */
  streamQueue: 256 * 1024,
  /** A stream with at most this much queued counts as interactive and goes first. */
  streamInteractive: 4 * 1024,
  /** Control messages of one stream, and answers to heartbeats, that wait for a channel with room. */
  streamControls: 64,
  pongsWaiting: 16,
  /** Round trip above which frames stay small; below it, how long one may take at the path's rate. */
  longPathMs: 5,
  frameMs: 0.5,
  /**
   * Bytes on the way before anything is known of a path, and at least (two batches of acknowledgements); and how much further
   * streams with little queued may go.
   */
  firstFlight: 12 * 1024,
  leastFlight: 8 * 1024,
  interactiveFlight: 8 * 1024,
  /** Heartbeat on the data channel, and silence after which the peer is taken for dead. */
  heartbeatMs: 1_000,
  heartbeatLostMs: 5_000,
  /**
   * For so long one frame may be lacking while others come, before its carrier counts as lost: SCTP sends what is lost again
   * after 1, 2, 4 … s, so three losses of the same packet are borne.
   */
  holeLostMs: 10_000,

  /**
   * STUN and TURN addresses that a page or gateway takes from the server, and characters of each, of the name and of the
   * password: a relay by UDP, TCP and TLS on two machines, and a STUN server on each.
   */
  iceServers: { urls: 8, url: 300, credential: 128 },

  /**
   * Bytes that one end of a connection keeps until the other has acknowledged them, for a carrier that may be lost; no DATA
   * goes beyond. More than what a stream may have on its way, so that keeping slows nothing. `frameKept`: what keeping one frame
   * costs beside its bytes, at its sender and where it waits for one before it. And how much may come between two
   * acknowledgements.
   */
  unacknowledged: 8 * 1024 * 1024,
  frameKept: 512,
  acknowledgeEvery: 32 * 1024,
  /**
   * Detours through the router (§14.10). `ticket`: bytes of the first message; `message`: one sealed frame at most, a
   * StreamOpen or DATA; `openMs`: from the command to both halves' being there; `silenceMs`: heartbeats go every second, so a
   * half that says nothing for so long is gone.
   */
  detour: { ticket: 32, message: 16 * 1024 + 64, openMs: 60_000, silenceMs: 20_000 },
  /** How long a session waits for its page to come back: unless a setting says otherwise, and at most. */
  resume: { usualMs: 2 * 60_000, longestMs: 15 * 60_000 },

  /** Sealed session signals of one session: an offer, an answer, candidates, progress. */
  signalsPerSession: 512,
  /** Plaintext of one sealed signal. */
  signalPlaintext: 64 * 1024,
  /** Sessions on one gateway, and of one account on it. */
  sessionsPerGateway: 256,
  sessionsPerAccount: 64,
  /**
   * A shared session: guests at once, shares that stand at once, how long one may, what one account has offered, to
   * everybody and to one of them, and is offered, and bytes of a sealed invitation (a title of 1 KiB, keys, a signature).
   */
  sessionShares: {
    ...{ guests: 8, perSession: 32, longestMs: 24 * 60 * 60_000 },
    ...{ fromOne: 256, fromOneToOne: 8, toOne: 64, title: 256, sealed: 4096 },
  },
  /**
   * Administrators who look on: named in one policy, in one session at once, and bytes of a signed policy (each overseer 160,
   * keys, a name and a signature), and of why a session was ended; and how soon who asked to look on has to come.
   */
  oversight: { overseers: 64, watchers: 8, policy: 16 * 1024, reason: 256, joinMs: 60_000 },

  /**
   * Recordings of sessions. `entries`: plaintext of a chunk once it is inflated, so of one seek; `sealedChunk`: what such
   * entries are at most when nothing of them compresses, padded and sealed; `chunks` of one recording: two months of one
   * every five seconds; `wrappedKey`: an envelope of 32 bytes; `statement`: a signed opening or closing. `markers` of one
   * recording; `markerText`: UTF-8 of one; `signedMarker`: such a text padded, sealed and signed.
   */
  recording: {
    ...{ entries: 1024 * 1024, sealedChunk: 1088 * 1024, chunks: 2 ** 20 },
    /** Entries whose images are taken apart: some full screens. */
    takenApart: 16 * 1024 * 1024,
    ...{ wrappedKey: 128, statement: 2048 },
    ...{ markers: 500, markerText: 4000, signedMarker: 4608 },
    /** A century; a pebibyte. */
    ...{ keptDays: 36_500, keptBytes: 2 ** 50 },
    /** So long before it goes a recording is said to go; nothing is shortened or removed for room sooner. */
    goingSoonMs: 7 * 24 * 60 * 60_000,
  },

  /** Of what a server notes of sessions: `entries` of one, and `counted` in one of them, at most. */
  sessionLog: { entries: 1_000, counted: 1_000_000 },

  /**
   * Files of machines. `path` and `name`: bytes, as POSIX systems bound them, a name of a listing up to what Windows has in
   * UTF-8; `entries` of one folder that are shown; `answer`: one message before the next; `streams` of one session at once.
   */
  remoteFiles: {
    ...{ path: 4096, name: 255, listedName: 1024, entries: 20_000, answer: 512 * 1024, streams: 8 },
    /** A size that a number holds exactly. */
    size: Number.MAX_SAFE_INTEGER,
  },

  /** Members of one roster. */
  rosterMembers: 10_000,
  /** Teams of one roster. */
  rosterTeams: 1_000,
  /** One encoded roster: 10,000 members at 200 bytes, and 50,000 memberships of teams at 18. */
  rosterBytes: 3 * 1024 * 1024,
  /** Members whose new keys no administrator has certified yet, 480 bytes each. */
  pendingSuccessions: 1_000,
  /** Of one account, and of its former ECDH keys: a rotation a month for five years. */
  keySuccessions: 64,
  /** A key rotation is given up after this: 50,000 records on a slow path take minutes. */
  keyRotationMs: 2 * 60 * 60_000,
  /** Of a roster that no link frame holds. */
  rosterPart: 128 * 1024,
  /** Links of rosters in one answer, 140 bytes each. */
  rosterLinks: 4_096,
  /** An organisation's settings as JSON: the names of its teams, and record types of at most 1 MiB. */
  organisationSettings: 1536 * 1024,
  /** Open invitations of one organisation, and how long one may be used. */
  invitations: 1_000,
  invitationMs: 30 * 24 * 60 * 60_000,
  /**
   * How long a person waits for an administrator who recovers their account, and requests for one address at once: from
   * one network, and from all.
   */
  recovery: { requestMs: 24 * 60 * 60_000, requestsPerNetwork: 5, requestsPerAccount: 50 },
  /** People and teams that one record or folder is shared with. */
  grantsPerObject: 500,
  /**
   * Grants of one account to one person or team, grants that one person or team has from all, and entries of one author in
   * shared folders: what somebody is given fills their vault, and they were not asked. Whoever shares more uses a folder.
   */
  shares: { fromOneToOne: 20_000, toOne: 200_000, entriesOfOne: 100_000 },
  /** Grants that one request to leave them ends: each tells its object's other members. */
  leftAtOnce: 1_000,
  /** Shared folders that one record is in. */
  foldersPerRecord: 16,
  /** Replaced keys of a shared folder that it keeps, for entries whose authors have been away since. */
  formerFolderKeys: 32,
  /** Shared folders of one owner, and records in one of them. */
  foldersPerAccount: 10_000,
  recordsPerFolder: 50_000,
  /** What a connect command shows of grants and entries: the ways of a chain of four. */
  accessProof: { grants: 16, entries: 4 },
  /**
   * So long a session on somebody else's machine goes on without its vault's word that the access is still there: a
   * word that it was taken back, and was withheld, is late by that much. A vault gives it anew well before.
   */
  accessLeaseMs: 5 * 60_000,
  /** What one command takes back, and how far ahead of the gateway's clock it may be dated. */
  withdrawals: { each: 1_000, aheadMs: 10 * 60_000 },

  /**
   * What a page's display may have to draw (web/session/picture). `slice`: pixels that are drawn in one go, two 4K screens, and
   * that may wait; `frames` that wait: half a second of a browser's; `standstillMs`: so long after nothing was drawn, nothing will be.
   */
  picture: { slice: 2 * 3_840 * 2_160, frames: 32, standstillMs: 10_000 },
  /**
   * Guacamole instructions. guacd itself parses at most 8192 bytes and 128 elements (parser-constants.h), so more
   * toward it only ends the session; what it sends is allowed four times that, for versions to come.
   */
  guacamole: {
    toGuacd: { elementLength: 8192, elements: 128, instructionBytes: 8192 },
    fromGuacd: { elementLength: 32_768, elements: 256, instructionBytes: 32_768 },
  },
} as const;

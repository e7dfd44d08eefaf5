// What every command says about itself. Plain JavaScript, because help must work before anything is installed.

/** `program`: the command hands its arguments on to a program that has more to say about them.
 *  @type {Record<string, { line: string, text: string, program?: boolean }>} */
export const commands = {
  demo: {
    line: 'one complete installation on 127.0.0.1 with a demo organisation and a real sshd as target',
    text: `usage: npm run demo [-- OPTIONS]

Installs what is missing, builds the web vault when its sources changed, starts server, guacd, sshd
and gateway on 127.0.0.1, makes the demo organisation through the real client code and prints the
address and the sign-in. Data stays in var/demo between runs. Ctrl-C stops everything it started.

  --json          print one JSON line {"url","email","password"} on stdout once ready
  --port NUMBER   port of the web vault at the first start (default 8443, or a free one); later starts keep it
  --data FOLDER   where the data lives (default var/demo)
  --reset         throw the data of earlier runs away first`,
  },
  start: {
    line: 'a production installation on this machine: no demo data, a one-time link for the first administrator',
    program: true,
    text: `usage: npm start [-- SERVER ARGUMENTS]

Installs what is missing, builds the web vault when its sources changed, starts the server with its
embedded store (or DATABASE_URL) and prints a one-time link for creating the first administrator.
A first-run page then walks through account, recovery phrase and gateway enrolment.`,
  },
  dev: {
    line: 'the demo in watch mode: the web vault reloads on a change, server and gateway restart',
    text: `usage: npm run dev [-- OPTIONS]

As demo, with the web vault served by Vite and server and gateway restarted when a file changes.

  --port NUMBER   port of the web vault (default 5173)
  --data FOLDER   where the data lives (default var/dev)`,
  },
  gateway: {
    line: 'a gateway on this machine for a server elsewhere',
    program: true,
    text: `usage: npm run gateway -- enrol --server URL
       npm run gateway [-- GATEWAY ARGUMENTS]

The first enrols this machine (the one-time token in SALLYPORT_GATEWAY_TOKEN). The second runs guacd
(or uses GUACD_HOST and GUACD_PORT) and the gateway.`,
  },
  build: {
    line: 'build the web vault into dist/web',
    text: `usage: npm run build [-- --force]

Builds the web vault into dist/web when its sources changed since the last build.

  --force         build even when nothing changed`,
  },
  'verify-site': {
    line: 'whether a server gives browsers exactly what these sources build',
    text: `usage: npm run verify-site -- ADDRESS

Builds the web vault from these sources, fetches every one of its files from ADDRESS
(https://vault.example) and compares them. Exit code 1 when any is another one or missing.`,
  },
  'verify-recording': {
    line: 'whether a downloaded recording of a session is complete and its gateway’s',
    text: `usage: npm run verify-recording -- FILE [--gateway KEY] [--text FILE]

Judges a downloaded recording without its key: whether it is complete, in order and signed by one gateway,
or exactly what is wrong. Exit code 1 when anything is. With the recording's key in SALLYPORT_RECORDING_KEY
(base64url) it opens every chunk, too.

  --gateway KEY   the gateway's public key as the vault shows it (base64url): nobody else's counts then
  --text FILE     with the key: write what the terminal showed into a new file, escapes and all`,
  },
  diagnose: {
    line: 'each part that sessions need, tested from this machine, with the next step',
    text: `usage: npm run diagnose [-- OPTIONS]

Reads the server's settings as the server does and tests, one after another: settings, database, DNS, TLS
and HTTPS of its public address, a WebSocket to its router, a handshake with a guacd that is shared
(GUACD_HOST and GUACD_PORT), UDP to each STUN and TURN server and a relay with credentials made for it. Each
is named with its result, time and the next step. Exit code 1 when any fails.

  --config FILE   the server's configuration file (SALLYPORT_CONFIG names it too)
  --self-signed   as the server was started: the certificate that it made for itself is trusted`,
  },
  check: {
    line: 'types, svelte-check, lint, format, architecture rule, unit tests',
    text: `usage: npm run check [-- NAME ...]

Runs every check, or those named: messages, types, svelte, lint, format, architecture, unit.
Exit code 1 when any of them fails.`,
  },
  test: {
    line: 'unit, vectors (Node and Chromium), integration, hostile and end-to-end tests on real parts',
    text: `usage: npm test [-- OPTIONS] [NAME ...]

Runs every suite, or those named: unit, components, vectors, browser, integration, hostile, e2e.
The last line is "N passed, M failed"; exit code 1 when M is not 0.

  --no-setup      do not install anything, use what is there`,
  },
  bench: {
    line: 'measure: npm run bench -- connect',
    text: `usage: npm run bench -- NAME [OPTIONS]

Runs one measurement of test/bench on a running demo of its own. NAME is one of the files there
(connect: from click to first drawn frame, split by leg).`,
  },
  proto: {
    line: 'generate TypeScript from protocol/messages/*.proto',
    text: `usage: npm run proto [-- --verify]

Lints protocol/messages/*.proto and writes protocol/messages/gen. Works offline.

  --verify        change nothing, fail when the generated files are stale`,
  },
};

/** The overview of all commands. */
export function overview() {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  const lines = Object.entries(commands).map(([name, { line }]) => `  ${name.padEnd(width)}  ${line}`);
  return `usage: node scripts/run.mjs COMMAND [ARGUMENTS]   (or: npm run COMMAND -- ARGUMENTS)\n\n${lines.join('\n')}\n\nnode scripts/run.mjs COMMAND --help says more about one of them.`;
}

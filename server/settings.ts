/** Every setting, as environment variable and (in any case) as key of the configuration file. */
export const settings = [
  { name: 'SALLYPORT_DATA', text: 'folder for keys and the embedded store (default var/server)' },
  { name: 'SALLYPORT_HOST', text: 'address to listen on (default 127.0.0.1)' },
  { name: 'SALLYPORT_PORT', text: 'port to listen on, 0 takes a free one (default 8443)' },
  { name: 'SALLYPORT_PUBLIC_URL', text: 'address that browsers and gateways use (default: host and port)' },
  {
    name: 'TLS_CERT',
    text: 'PEM file with the certificate chain, taken over when it is renewed; without it a proxy in front must do TLS',
  },
  { name: 'TLS_KEY', text: 'PEM file with its private key' },
  { name: 'DATABASE_URL', text: 'postgres:// address of a PostgreSQL 15 or later (default: embedded)' },
  {
    name: 'BLOB_STORE',
    text: 'folder for files, or https://KEY:SECRET@host/bucket of an S3-compatible service',
  },
  { name: 'FILE_LARGEST', text: 'size of one file, like 500MiB (default 5GiB)' },
  { name: 'FILE_QUOTA', text: 'size of all files that one account stores (default 50GiB)' },
  { name: 'RECORDING_DAYS', text: 'days that recordings of sessions are kept, 0: for ever (default 365)' },
  { name: 'RECORDING_QUOTA', text: "size of all recordings of one account's machines (default 200GiB)" },
  {
    name: 'RELAY_URLS',
    text: 'stun:, turn: and turns: addresses for sessions, in [relay]: urls (default none)',
  },
  { name: 'RELAY_SECRET', text: 'secret shared with the TURN server, in [relay]: secret' },
  {
    name: 'RELAY_LIFETIME',
    text: 'seconds that a relay password is good for, in [relay]: lifetime (default 600)',
  },
  {
    name: 'RELAY_THROUGH_SERVER',
    text: 'false: sessions without a path of their own fail, in [relay]: through_server (default true)',
  },
  { name: 'OPEN_SIGN_UP', text: 'true: anyone may create an account (default false)' },
  { name: 'ROLES', text: 'what this process does (default worker,head)' },
  { name: 'LOG_LEVEL', text: 'silent, error, warn, info or debug (default info)' },
  { name: 'SALLYPORT_SITE', text: 'folder with the built web vault (default dist/web)' },
  { name: 'TRUSTED_PROXIES', text: 'addresses of reverse proxies whose X-Forwarded-For is believed' },
] as const;

export type SettingName = (typeof settings)[number]['name'];

export const helpText = `usage: node server/main.ts [--self-signed] [--config FILE]
       node server/main.ts rotate-keys [--config FILE]

Serves the web vault, the API and the router. rotate-keys makes a new transmission key; older ones stay
valid for 30 days. Send the running server SIGHUP to take it over.

--self-signed speaks TLS with a certificate that the server makes for itself and keeps in its data folder: for
development, and for clients that speak nothing but TLS. Its fingerprint is printed at the start.

Settings, from the environment or from FILE (TOML, the same names; SALLYPORT_CONFIG names it too):
${settings.map(({ name, text }) => `  ${name.padEnd(22)}${text}`).join('\n')}
`;

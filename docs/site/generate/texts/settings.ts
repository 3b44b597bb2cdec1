import type { SettingKey, Settings } from '../../../../server/config/settings.ts'

/** What docs/guides/settings.md says about a setting besides what its schema says. */
export interface SettingText<K extends SettingKey> {
  /** What it is for. Markdown; links as in docs/guides/. */
  text: string
  example: Exclude<Settings[K], undefined>
  /** In words, where `config check` would show what depends on the machine. */
  default?: string
  /** The version that has it first. */
  since: '0.1' | '0.2' | '0.3'
}
export type SettingTexts = { [K in SettingKey]: SettingText<K> }

export const SETTING_TEXTS: SettingTexts = {
  publicUrl: {
    text: 'The origin of the site, as people type it. Links, cookies and same-origin checks use it, never the request.',
    example: 'https://example.org',
    default: '`http://localhost:3000`, or with `port`',
    since: '0.1',
  },
  host: {
    text: 'The address to listen on. Behind a proxy on the same machine, leave it at loopback.',
    example: '127.0.0.1',
    default: 'loopback, if `publicUrl` is on this machine; otherwise every address',
    since: '0.1',
  },
  port: {
    text: 'The port to listen on. Changing only the port also changes the default of `publicUrl`.',
    example: 3100,
    since: '0.1',
  },
  socket: {
    text: '[A unix socket](hosting.md#a-unix-socket) to listen on. No port is then opened unless `host` or `port` is set.',
    example: '/run/porchlight/site.sock',
    since: '0.2',
  },
  socketMode: {
    text: 'The permissions of the socket. Whoever may write to it may connect.',
    example: '600',
    default: '`660`',
    since: '0.2',
  },
  startWaitSeconds: {
    text: 'How long a start [waits](hosting.md#restarts) for another process to release the data folder.',
    example: 60,
    default: '2 seconds',
    since: '0.2',
  },
  trustedProxies: {
    text: 'Addresses and ranges of proxies whose `X-Forwarded-For` is trusted. Without them, all clients of a proxy count as one.',
    example: ['127.0.0.1', '10.0.0.0/8'],
    default: 'none',
    since: '0.1',
  },
  proxyProtocol: {
    text: 'Reads the client’s address from the [PROXY protocol](hosting.md#the-proxy-protocol), which trusted proxies then have to speak on every connection.',
    example: true,
    since: '0.2',
  },
  insecureHttp: {
    text: 'Allows plain http on a host other than this machine. Everybody on the network in between can then take over sessions.',
    example: true,
    since: '0.1',
  },
  dataDir: {
    text: 'The folder of the database, the key file and backups. One process at a time may use it.',
    example: '/var/lib/porchlight',
    default: '`./data`',
    since: '0.1',
  },
  keys: {
    text: 'The path of the key file, or its content. [What it is worth](../../SECURITY.md#keys).',
    example: '/run/secrets/keys.json',
    default: '`keys.json` in the data folder',
    since: '0.1',
  },
  signingKeys: {
    text: 'The path or content of a separate file for the keys that sign tokens for APIs, so that it can have other permissions.',
    example: '/run/secrets/signing-keys.json',
    default: 'in the key file',
    since: '0.1',
  },
  signingRotationDays: {
    text: 'The age at which a signing key is replaced. Its successor is published before it signs.',
    example: 30,
    since: '0.1',
  },
  accessSeconds: {
    text: 'Lifetime of an access token of a browser. It is renewed while a page is open; copied cookies alone open pages for at most this long.',
    example: 600,
    since: '0.1',
  },
  browserIdleSeconds: {
    text: 'Idle limit of a session that ends with the browser: without a request for this long, it is over.',
    example: 4 * 3600,
    since: '0.1',
  },
  idleSeconds: {
    text: 'Idle limit of a remembered session (*Keep me signed in*).',
    example: 14 * 86_400,
    since: '0.1',
  },
  absoluteSeconds: {
    text: 'Maximum lifetime of any session, used or not.',
    example: 90 * 86_400,
    since: '0.1',
  },
  refreshConfirmSeconds: {
    text: 'Confirmation time of the [refresh rules](../decisions/002-refresh-rules.md): how long after it was sent a presented token counts as received. Less than `refreshGraceSeconds`.',
    example: 30,
    since: '0.1',
  },
  refreshGraceSeconds: {
    text: 'Grace time of the [refresh rules](../decisions/002-refresh-rules.md): how long late requests with the token before are still served. At most seven eighths of `accessSeconds`. Of these six durations, those not set follow those that are.',
    example: 300,
    since: '0.1',
  },
  maxSessions: {
    text: 'Live sessions per account; one more ends the one idle longest.',
    example: 20,
    since: '0.1',
  },
  registration: {
    text: 'Who may create an account: nobody, people with an invitation, or everybody.',
    example: 'open',
    since: '0.1',
  },
  passwordMinLength: {
    text: 'The least length of a new password, in characters. Common passwords and variants of names are refused at any length.',
    example: 12,
    since: '0.1',
  },
  secondFactor: {
    text: 'Of whom a second factor is required: of nobody, of administrators, or of everybody. Until they have enrolled one, they can do nothing else.',
    example: 'admins',
    since: '0.3',
  },
  rememberSecondFactorDays: {
    text: 'For how many days a device can be remembered, if its owner ticks that: the password alone then signs in there, at the lower level. `0` offers it to nobody.',
    example: 30,
    since: '0.3',
  },
  linkDays: {
    text: 'How long both kinds of one-time links live, such as while [people move here](moving-people.md).',
    example: 30,
    default: '7 days for invitations, 30 minutes for reset links',
    since: '0.1',
  },
  setupCode: {
    text: 'Presets the set-up code, for automated installation. Without it, a random one is shown in the terminal.',
    example: '4f9d1c0e7b52a86340ce91d2',
    default: 'random',
    since: '0.1',
  },
  breachedPasswords: {
    text: 'Looks new passwords up at a service of leaked ones: the address of a range service, which learns five of the forty digits of the SHA-1 hash and nothing else (k-anonymity, with padding). Asked at sign-up, by reset links and at changes; if it does not answer within two seconds, the password is accepted and the log says so (`breached_passwords_unavailable`). A mirror of your own works, too.',
    example: 'https://api.pwnedpasswords.com/range/',
    default: 'none: no service is asked',
    since: '0.3',
  },
  mailUrl: {
    text: 'The server that sends [mail](mail.md). `smtps://` is TLS from the start; `smtp://` requires STARTTLS, except to this machine or with `?tls=off`. Percent-encode reserved characters of the password.',
    example: 'smtps://porch:secret@mail.example.org',
    default: 'none: no mail is sent',
    since: '0.2',
  },
  mailFrom: {
    text: 'The sender of mails. Without a name, they come from the name of the site.',
    example: 'Example <login@example.org>',
    default: 'none',
    since: '0.2',
  },
  login: {
    text: 'Who checks passwords: this server, or [an API of yours](existing-token-api.md) (`token-api`), which `tokenApi` describes.',
    example: 'token-api',
    since: '0.1',
  },
  tokenApi: {
    text: "The API that signs people in and issues tokens, with `login: 'token-api'` ([guide](existing-token-api.md)). [All fields](#fields-of-tokenapi).",
    example: { url: 'http://127.0.0.1:8000' },
    since: '0.1',
  },
  providers: {
    text: '[Identity providers](providers.md) that people sign in with. [All fields](#fields-of-providers).',
    example: [{ id: 'google', preset: 'google', clientId: 'ID', clientSecret: { env: 'GOOGLE_SECRET' } }],
    default: 'none',
    since: '0.1',
  },
  recheckSeconds: {
    text: 'How often accounts are checked at their provider while their sessions live; 0 for never.',
    example: 300,
    since: '0.1',
  },
  upstreams: {
    text: 'APIs and tools behind the relay. [More](#upstreams), and [all fields](#fields-of-upstreams).',
    example: [{ name: 'orders', target: 'http://127.0.0.1:8000', title: 'Orders' }],
    default: 'the Notes sample',
    since: '0.1',
  },
  upstreamTokenSeconds: {
    text: 'Lifetime of a token for an upstream.',
    example: 120,
    since: '0.1',
  },
  upstreamTokenAlg: {
    text: 'The algorithm that signs tokens for upstreams. RS256 is known to every library, Ed25519 to few.',
    example: 'RS256',
    since: '0.1',
  },
  jwksMaxAgeSeconds: {
    text: 'How long upstreams may cache the public keys, and so how long a withdrawn key is still trusted.',
    example: 300,
    since: '0.1',
  },
  streamMaxSeconds: {
    text: 'Lifetime of a WebSocket, event stream or response without a length; an upstream can have its own.',
    example: 8 * 3600,
    since: '0.1',
  },
  maxStreamsPerSession: {
    text: 'Streams of one session that may be open at once.',
    example: 10,
    since: '0.1',
  },
  maxStreamsPerNetwork: {
    text: 'Streams of one network (an IPv4 address, an IPv6 /64) that may be open at once; anonymous clients share a separate quarter.',
    example: 200,
    since: '0.1',
  },
  site: {
    text: 'Whose pages people see: the built-in ones, `{ static: DIR }` or `{ upstream: URL }` ([your own front end](existing-front-end.md)); `{ serverRoutes: true }` for [server routes](#pages-and-server-routes); with or without these, [`policy` and `headers`](existing-front-end.md#what-your-pages-may-load). [All fields](#fields-of-site).',
    example: { static: '../shop/dist' },
    since: '0.1',
  },
  brand: {
    text: 'Your name, logo and colours on the built-in pages. [More](#your-name-on-it), and [all fields](#fields-of-brand).',
    example: { name: 'Acme', accent: '#0055cc' },
    since: '0.1',
  },
  relatedOrigins: {
    text: 'Other origins whose pages may use [the passkeys of this site](passkeys.md#on-several-domains), published in `/.well-known/webauthn`.',
    example: ['https://example.net'],
    since: '0.3',
  },
  securityContact: {
    text: 'Where to report vulnerabilities, published in `/.well-known/security.txt`.',
    example: 'mailto:security@example.org',
    since: '0.1',
  },
  demo: {
    text: '`false` removes the Notes sample, `/notes` and `/proof`. The sample and the demonstrations run only on a loopback address and without `upstreams`.',
    example: false,
    since: '0.1',
  },
  logLevel: {
    text: 'The least level of [log lines](log-events.md). With `warn`, successes are not logged.',
    example: 'warn',
    since: '0.1',
  },
  metricsPort: {
    text: 'The port of Prometheus metrics, at `/metrics`.',
    example: 9464,
    since: '0.1',
  },
  metricsHost: {
    text: 'The address of the metrics. On another than loopback, anyone who can reach it can read them.',
    example: '10.0.0.5',
    default: 'loopback',
    since: '0.2',
  },
  tracesUrl: {
    text: 'Where [traces](monitoring.md#traces) are sent: an OpenTelemetry receiver (OTLP over http, in JSON). Without a path, `/v1/traces`.',
    example: 'http://127.0.0.1:4318',
    default: 'none: nothing is traced',
    since: '0.2',
  },
  tracesHeaders: {
    text: 'Headers that the receiver asks for, separated by commas, values percent-encoded.',
    example: 'api-key=4f9d1c0e7b52',
    default: 'none',
    since: '0.2',
  },
  tracesRatio: {
    text: 'How many of the traces that begin here are recorded, from 0 to 1; never more than a hundred a second.',
    example: 0.1,
    since: '0.2',
  },
  tracesContinue: {
    text: 'Whether trusted proxies trace, too, so that their `traceparent` is continued and their decision to record is followed. Only for proxies that write the header themselves.',
    example: true,
    since: '0.2',
  },
  testSignIn: {
    text: 'A secret with which [tests of your app](testing-your-app.md) sign in as anybody. Read from the environment only, works on loopback only, never in production.',
    example: 'local-tests-only-1f6f2a90c1',
    since: '0.1',
  },
}

/** The chapters of the page, in order. A test asks that each setting is in one. */
export const SETTING_GROUPS: readonly { title: string; keys: readonly SettingKey[] }[] = [
  {
    title: 'Address',
    keys: ['publicUrl', 'host', 'port', 'socket', 'socketMode', 'trustedProxies', 'proxyProtocol', 'insecureHttp'],
  },
  { title: 'Data and keys', keys: ['dataDir', 'startWaitSeconds', 'keys', 'signingKeys', 'signingRotationDays'] },
  {
    title: 'Sessions',
    keys: [
      'accessSeconds',
      'browserIdleSeconds',
      'idleSeconds',
      'absoluteSeconds',
      'refreshConfirmSeconds',
      'refreshGraceSeconds',
      'maxSessions',
    ],
  },
  {
    title: 'Signing in',
    keys: [
      'registration',
      'passwordMinLength',
      'breachedPasswords',
      'secondFactor',
      'rememberSecondFactorDays',
      'linkDays',
      'setupCode',
      'mailUrl',
      'mailFrom',
      'relatedOrigins',
      'providers',
      'recheckSeconds',
      'login',
      'tokenApi',
    ],
  },
  {
    title: 'APIs behind the relay',
    keys: [
      'upstreams',
      'upstreamTokenSeconds',
      'upstreamTokenAlg',
      'jwksMaxAgeSeconds',
      'streamMaxSeconds',
      'maxStreamsPerSession',
      'maxStreamsPerNetwork',
    ],
  },
  { title: 'Pages', keys: ['site', 'brand', 'securityContact', 'demo'] },
  {
    title: 'Operation',
    keys: [
      'logLevel',
      'metricsPort',
      'metricsHost',
      'tracesUrl',
      'tracesHeaders',
      'tracesRatio',
      'tracesContinue',
      'testSignIn',
    ],
  },
]

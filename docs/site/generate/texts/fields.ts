/** A field of a setting that is a group: what it is for, and its default where the code does not tell. */
export interface FieldText {
  text: string
  default?: string
  /** Instead of what the schema expects, where that says too little. */
  type?: string
}
export type FieldTexts = Readonly<Record<string, FieldText>>

const TLS: FieldTexts = {
  'tls.ca': { text: 'CA certificates, which then replace the public ones for this upstream', default: 'those of Node' },
  'tls.cert': { text: 'the client certificate with its chain', default: 'none' },
  'tls.key': { text: 'its private key', default: 'none' },
}
const REQUIRES: FieldTexts = {
  'requires.signedIn': { text: 'whether a session is needed', default: '`true`, unless `token` is `none`' },
  'requires.roles': {
    text: 'who may call it; one of these is enough',
    type: 'a list of `admin`, `user`',
    default: 'everybody',
  },
  'requires.acr': { text: 'the level that the session must have: `aal2` is two factors, or a passkey', default: 'any' },
  'requires.maxAge': {
    text: 'seconds since the person signed in, after which they must confirm it',
    default: 'no limit',
  },
}

export const UPSTREAM_FIELDS: FieldTexts = {
  name: { text: 'its name in logs, and by default the audience of its tokens and the end of its prefix' },
  target: { text: 'its address' },
  prefix: { text: 'where browsers call it', default: '`/api/` and `name`' },
  strip: { text: 'whether the prefix is removed before the path is appended to the target’s' },
  host: { text: 'what the `Host` header names: the target, or this site, for tools that compare it with `Origin`' },
  methods: { text: 'which HTTP methods pass; others get 405', default: 'all', type: 'HTTP methods in upper case' },
  ...REQUIRES,
  token: {
    text: '`porchlight`: our JWT for this API · `provider`: the person’s token from a provider · `exchange`: that token exchanged for this API (RFC 8693) · `none`',
  },
  provider: { text: 'whose token, for `provider` and `exchange`', default: 'the only one configured' },
  audience: { text: 'the `aud` of its tokens', default: '`name`' },
  scopes: { text: 'the `scope` of its tokens', default: 'none' },
  claims: { text: 'personal data in its tokens', default: 'none' },
  tokenType: { text: 'the `typ` of our tokens; `JWT` for libraries that refuse `at+jwt`' },
  'tokenHeader.name': { text: 'the header for the token', default: '`Authorization`' },
  'tokenHeader.scheme': { text: 'the word before the token', default: '`Bearer` in `Authorization`, otherwise none' },
  ...TLS,
  websocket: { text: 'whether WebSockets pass' },
  document: {
    text: 'whether its responses may be pages with scripts: only for a tool that is trusted like the site itself',
  },
  cookies: { text: 'whether cookies other than ours pass, in both directions' },
  encodedPaths: { text: 'whether `%2f`, `%5c`, `%25`, `;` and `//` may follow the prefix' },
  dropHeaders: { text: 'more request headers that never pass', default: 'none' },
  redirectOrigins: { text: 'other sites that it may redirect to', default: 'none' },
  'timeouts.connect': { text: 'seconds until a connection is given up' },
  'timeouts.headers': { text: 'seconds until the response must begin' },
  'timeouts.idle': { text: 'seconds without a byte of a body' },
  'timeouts.websocketIdle': { text: 'seconds without a byte on a WebSocket' },
  streamMaxSeconds: { text: 'lifetime of its streams', default: 'as the setting of that name' },
  maxBodyBytes: { text: 'the largest request body', default: 'no limit' },
  maxHeaderBytes: { text: 'the largest response headers' },
  title: { text: 'its name on the home page', default: '`name`' },
  description: { text: 'a line below it', default: 'none' },
  page: { text: 'where *Open* leads', default: 'with `document`, its prefix; otherwise nowhere' },
  icon: { text: 'an icon beside it', default: 'none' },
}

export const SITE_FIELDS: FieldTexts = {
  static: { text: 'a folder of built files that are served as they are' },
  upstream: { text: 'the address of a front end that renders' },
  policy: {
    text: 'a whole Content-Security-Policy, or sources to add to that of the pages',
    type: "text, or sources by directive, such as { 'img-src': ['https://tiles.example'] }",
    default: 'that of the pages',
  },
  'headers.permissionsPolicy': { text: '`Permissions-Policy`', default: 'no features' },
  'headers.crossOriginOpenerPolicy': { text: '`Cross-Origin-Opener-Policy`', default: '`same-origin`' },
  'headers.crossOriginEmbedderPolicy': { text: '`Cross-Origin-Embedder-Policy`', default: 'not sent' },
  'headers.crossOriginResourcePolicy': { text: '`Cross-Origin-Resource-Policy`', default: '`same-origin`' },
  'headers.referrerPolicy': { text: '`Referrer-Policy`', default: '`same-origin`' },
  sourceMaps: { text: 'with `static`: whether `.map` files are served', default: '`false`' },
  serverRoutes: {
    text: 'whether the pages’ own server answers below `/api` what no upstream takes',
    default: '`false`',
  },
  token: {
    text: 'with `upstream`: whether the front end gets a JWT with each request of a signed-in person',
    default: '`none`',
  },
  audience: { text: 'the `aud` of that token', default: '`site`' },
  claims: { text: 'personal data in it', default: 'none' },
  tokenType: { text: 'its `typ`', default: '`at+jwt`' },
  ...TLS,
  ...REQUIRES,
  'requires.signedIn': { text: 'whether anonymous visitors are led to sign in', default: '`false`' },
  host: { text: 'what the `Host` header names', default: '`target`' },
  redirectOrigins: { text: 'other sites that it may redirect to', default: 'none' },
}

export const BRAND_FIELDS: FieldTexts = {
  name: { text: 'in headers, titles, error pages and the terminal', default: 'Porchlight' },
  logo: { text: 'in headers; needs a `name` beside it', default: 'the lantern' },
  icon: { text: 'in tabs and on home screens', default: 'a square logo, or the first character of the name' },
  accent: { text: 'the colour of buttons and links', default: 'amber' },
  'links.terms': { text: 'at the foot of every page', default: 'none' },
  'links.privacy': { text: 'at the foot of every page', default: 'none' },
  'links.support': { text: 'at the foot of every page', default: 'none' },
}

const ROLES: FieldTexts = {
  'roles.claim': { text: 'where the roles are; dots lead into objects and lists of objects' },
  'roles.separator': { text: 'splits a claim that is one text', default: 'none' },
  'roles.admin': { text: 'values that make an administrator', default: 'none' },
  'roles.user': { text: 'values that admit a person at all', default: 'everybody' },
}

export const PROVIDER_FIELDS: FieldTexts = {
  id: { text: 'its id here: part of the redirect URI, so it stays' },
  preset: { text: 'fills in what is known about a provider', default: 'none' },
  kind: { text: 'configured by discovery, or with endpoints given here', default: '`oidc`, or the preset’s' },
  name: { text: 'on the button', default: '`id`, or the preset’s' },
  secondFactor: {
    text: 'whether people with a second factor are asked for it after a sign-in there, too, or the provider is trusted with that (`trust`)',
    default: '`ask`',
  },
  icon: { text: 'on the button', default: 'the first letter of the name' },
  issuer: { text: 'exactly what the provider calls itself; required unless the preset has it' },
  formerIssuers: { text: 'earlier values of `issuer`; their accounts follow', default: 'none' },
  clientId: { text: 'the id that the provider gave this site' },
  clientSecret: { text: 'the secret that it gave', default: 'none' },
  privateKey: { text: 'a key for `private_key_jwt`: PEM (PKCS #8) or a JWK', default: 'none' },
  clientAuth: {
    text: 'how this site identifies itself',
    default: 'by what is given: `private_key_jwt` with a key, `client_secret_basic` with a secret',
  },
  scopes: { text: 'what is requested', default: '`openid profile email`' },
  parameters: { text: 'more parameters of the authorization request', default: 'none', type: 'names and their values' },
  userInfo: { text: '`false` uses the ID token only', default: 'requested, and skipped if it refuses' },
  dpop: { text: 'binds the provider’s tokens to a key of the server (RFC 9449)', default: '`false`' },
  ...ROLES,
  register: { text: 'who may create an account with it', default: '`registration`' },
  logout: { text: 'after signing out here: offer to sign out there, do so, or neither', default: '`link`' },
  recheckSeconds: { text: 'how often accounts are rechecked', default: 'as the setting of that name' },
  idTokenAlg: { text: 'the only algorithm accepted', default: 'those that the provider lists' },
  clockToleranceSeconds: { text: 'allowed clock difference', default: '120' },
  authorizationEndpoint: { text: 'for `oauth2`' },
  tokenEndpoint: { text: 'for `oauth2`' },
  userInfoEndpoint: { text: 'for `oauth2`' },
  emailsEndpoint: { text: 'for `oauth2`: a list of addresses, such as GitHub’s', default: 'none' },
  revocationEndpoint: { text: 'for `oauth2`', default: 'none' },
  'fields.subject': { text: 'for `oauth2`: what never changes about an account', default: '`sub`' },
  'fields.name': { text: 'for `oauth2`', default: '`name`' },
  'fields.email': { text: 'for `oauth2`', default: '`email`' },
  'fields.emailVerified': { text: 'for `oauth2`', default: '`email_verified`' },
}

const call = (name: string, also: FieldTexts = {}): FieldTexts => ({
  [`${name}.path`]: { text: 'its path; required with the group' },
  [`${name}.method`]: { text: 'its method', default: '`POST`' },
  [`${name}.as`]: { text: 'the form of its body', default: '`json`' },
  [`${name}.token`]: { text: 'where the refresh token goes', default: '`body`' },
  [`${name}.name`]: { text: 'under which name; `.` makes it the whole body', default: '`refresh_token`' },
  [`${name}.also`]: { text: 'more fields', default: 'none', type: 'names and their values' },
  ...also,
})
const answer = (name: string, same: string | null): FieldTexts => ({
  [`${name}.accessToken`]: {
    text: 'where the response has it; `.`: it is the whole response',
    default: same ?? '`access_token`',
  },
  [`${name}.refreshToken`]: { text: 'where the response has it', default: same ?? '`refresh_token`' },
  [`${name}.expiresIn`]: { text: 'where the response has it', default: same ?? '`expires_in`' },
})

export const TOKEN_API_FIELDS: FieldTexts = {
  url: { text: 'the API’s address' },
  name: { text: 'on the sign-in page', default: 'its host' },
  'login.path': { text: 'the sign-in', default: '`/token`' },
  'login.method': { text: 'its method', default: '`POST`' },
  'login.as': { text: 'the form of its body', default: '`form`' },
  'login.username': { text: 'the field for the name', default: '`username`' },
  'login.password': { text: 'the field for the password', default: '`password`' },
  'login.also': { text: 'more fields', default: '`grant_type=password` in a form', type: 'names and their values' },
  ...call('refresh', {
    ...answer('refresh.answer', 'as `answer`'),
    'refresh.over': { text: 'statuses that reject a refresh token for good', default: '400, 401, 422' },
  }),
  ...call('revoke'),
  ...answer('answer', null),
  'tokenHeader.name': { text: 'where the API expects its token', default: '`Authorization`' },
  'tokenHeader.scheme': { text: 'the word before the token', default: '`Bearer` in `Authorization`, otherwise none' },
  'links.register': { text: 'where people register there', default: 'not shown' },
  'links.reset': { text: 'where people reset a password there', default: 'not shown' },
  errors: {
    text: 'what a status of the sign-in means',
    default: 'see the [guide](existing-token-api.md)',
    type: 'statuses and codes',
  },
  userInfo: { text: 'a route that returns the account', default: 'the claims of the access token are used' },
  'fields.subject': { text: 'what never changes about an account', default: '`sub`' },
  'fields.name': { text: 'the name', default: '`name`' },
  'fields.email': { text: 'the address', default: '`email`' },
  'fields.emailVerified': { text: 'whether the API vouches for it', default: '`email_verified`' },
  ...ROLES,
  register: { text: 'whether a first sign-in creates an account here', default: '`open`' },
}

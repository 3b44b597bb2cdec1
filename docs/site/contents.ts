/** The pages of the documentation, in reading order. A structure test asks for every Markdown file under docs/. */
export interface Page {
  /** From the root of the repository. */
  file: string
  /** One line for people and programs that choose what to read. */
  about: string
  /** In the sidebar; the page's own heading unless said otherwise. */
  short?: string
}
export interface Group {
  title: string
  /** Of a few pages that most readers do not need. */
  collapsed?: boolean
  pages: readonly Page[]
}

const guide = (name: string, about: string, short?: string): Page => ({
  file: `docs/guides/${name}.md`,
  about,
  ...(short !== undefined && { short }),
})
const reference = (name: string, about: string, short?: string): Page => ({
  file: `docs/reference/${name}.md`,
  about,
  ...(short !== undefined && { short }),
})

export const CONTENTS: readonly Group[] = [
  {
    title: 'Start',
    pages: [
      { file: 'docs/start.md', about: 'From nothing to a signed-in page and a first API, in ten minutes.' },
      { file: 'docs/faq.md', about: 'Twelve failures that self-hosters meet: symptom, cause, fix.' },
      {
        file: 'docs/comparison.md',
        about: 'What Porchlight and nine other projects do, and where each is the better choice.',
      },
    ],
  },
  {
    title: 'Concepts',
    pages: [
      { file: 'docs/concepts/tokens.md', about: 'What the browser, Porchlight, your APIs and a provider each hold.' },
      {
        file: 'docs/concepts/renewal.md',
        about: 'How a session is renewed by parallel requests, and after a lost response.',
      },
      {
        file: 'docs/concepts/thief.md',
        about: 'What somebody gets who steals cookies, a database, a key file or a token.',
      },
    ],
  },
  {
    title: 'In your app',
    pages: [
      guide('nuxt-app', 'Porchlight as a module of a Nuxt application, in one process.'),
      guide('from-nuxt-auth-utils', 'A table for moving from nuxt-auth-utils, nuxt-auth or nuxt-oidc-auth.'),
      guide('existing-front-end', 'SvelteKit, Next, Django, an SPA or a static build in front of people.'),
      guide('from-localstorage-tokens', 'Moving an SPA whose tokens are in localStorage.'),
      guide('own-sign-in-form', 'A sign-in form inside a page of yours.'),
      guide('own-server', '`createPorchlight(settings)` inside a Node server with routes of its own.'),
      guide('verifying-apis', 'Verifying the token in FastAPI, Flask, Express, Go and Spring Boot.'),
      guide('existing-token-api', 'Keeping an API that checks passwords and issues its own tokens.'),
      guide('tool-behind-it', 'Jupyter, Django admin, Datasette and other tools with pages behind a sign-in.'),
      guide('moving-people', 'Importing accounts with their password hashes.'),
      guide('testing-your-app', 'Tests that sign in as anybody: `porchlight/testing`.'),
    ],
  },
  {
    title: 'Operate',
    pages: [
      guide('second-factors', 'Authenticator apps, recovery codes, and what to do when something is lost.'),
      guide('passkeys', 'Signing in with a finger, a face or a PIN.'),
      guide('mail', 'Links for forgotten passwords, invitations and notices by mail.'),
      guide('hosting', 'A TLS proxy, a supervisor, commands and backups.'),
      guide('container', 'One image, one volume, environment only, with Caddy beside it.'),
      guide('debian', 'A Debian machine with systemd: user, folders, unit, upgrade, backup timer.'),
      guide('proxies', 'Configuration for Caddy, nginx, HAProxy and Apache that a test runs.'),
      guide('backups', 'Backing up, restoring, and what to keep apart.'),
      guide('upgrading', 'What happens to data in an upgrade, and how to go back.'),
      guide('monitoring', 'Metrics, traces, a dashboard and alerts.'),
      guide('providers', 'Signing in with Keycloak, Authelia, Pocket ID, Entra ID, Google, GitHub and others.'),
      guide('drill', 'Testing the session guarantees of a running site.'),
      guide('report', 'What the running configuration meets of RFC 10017 and ASVS 5.'),
      guide('releasing', 'How a release of Porchlight itself is made.'),
    ],
  },
  {
    title: 'Reference',
    pages: [
      guide('settings', 'Every setting: type, default, environment variable, example.'),
      reference('http', 'Every endpoint, from the OpenAPI document.'),
      guide('log-events', 'Every log event, and rules for fail2ban.'),
      reference('metrics', 'Every Prometheus metric with its labels.'),
      reference('problems', 'Every error code with its status, and what people see.'),
      reference('end-reasons', 'Every reason for which a session ends, and what people see.'),
      guide('identity-headers', 'Headers that the relay never lets a browser send to an API.'),
      { file: 'docs/bounds.md', about: 'What can grow, and where it stops.' },
    ],
  },
  {
    title: 'Security and evidence',
    pages: [
      { file: 'SECURITY.md', about: 'Reporting a vulnerability; threats, defences and what is not protected.' },
      { file: 'docs/standards.md', about: 'The rules of RFC 10017, OAuth, cookies, ASVS and NIST that tests prove.' },
      { file: 'docs/measured.md', about: 'Measurements against bare baselines and other software.' },
    ],
  },
  {
    title: 'Inside',
    collapsed: true,
    pages: [
      { file: 'docs/architecture.md', about: 'The map of the code, one request and one renewal.' },
      { file: 'docs/decisions/README.md', about: 'Why things are as they are.', short: 'Decision records' },
      { file: 'CONTRIBUTING.md', about: 'Commands, suites and conventions.' },
      guide('contributing-recipes', 'Which files to touch for a metric, a setting, a page, a command and more.'),
      { file: 'CHANGELOG.md', about: 'What changed in each version.' },
    ],
  },
]

/** Reachable from another page, and not in the sidebar. */
export const UNLISTED = /^docs\/(?:decisions\/\d{3}-.*|zh\/.*)\.md$/

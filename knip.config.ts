import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { KnipConfig } from 'knip'

const WEB = join(import.meta.dirname, 'web')
const find = (pattern: string) => globSync(pattern, { cwd: WEB }).map(path => join(WEB, path))

/**
 * Names that Nuxt imports by itself, and the import that each stands for. Without them every component looks unused.
 */
const AUTO_IMPORTS = new Map([
  // Each also under its lazy name.
  ...find('{app,layers/*/app}/components/**/*.vue').flatMap(file =>
    ['', 'Lazy'].map(
      prefix => [prefix + basename(file, '.vue'), `import ${prefix}${basename(file, '.vue')} from '${file}'`] as const,
    ),
  ),
  ...find('{app/composables,app/utils,layers/*/app/composables,layers/*/app/utils,server/utils}/**/*.ts').flatMap(
    file => exportsOf(file).map(name => [name, `import { ${name} } from '${file}'`] as const),
  ),
])

function exportsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8')
  const made = [...text.matchAll(/^export (?:async )?(?:const|function|class) (\w+)/gm)].map(match => match[1] ?? '')
  const passedOn = [...text.matchAll(/^export \{ ([^}]+) \} from/gm)].flatMap(match => (match[1] ?? '').split(/,\s*/))
  return [...made, ...passedOn]
}

function withAutoImports(text: string, path: string): string {
  const words = new Set(text.match(/\w+/g))
  const used = [...AUTO_IMPORTS].filter(([name, line]) => words.has(name) && !line.endsWith(`'${path}'`))
  return [text, ...used.map(([, line]) => line)].join('\n')
}

/** A component's scripts, and imports for what its template uses. */
function compileVue(source: string, path: string): string {
  const scripts = [...source.matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g)].map(match => match[1] ?? '').join('\n')
  const [, ...imports] = withAutoImports(source, path).slice(source.length).split('\n')
  return [scripts, ...imports].join('\n')
}

export default {
  entry: [
    // Commands start it by a dynamic import; configuration files are written against `defineConfig`.
    'server/exports.ts',
    'server/testing.ts',
    // server/porchlight.mjs chooses between it and its compiled form.
    'server/cli.ts',
    // A thread of its own, named by a URL.
    'server/store/sqlite/integrity-check.worker.ts',
    // The package's export for the entry of a built application, and what Nuxt loads in one.
    'server/cli/nuxt-app.ts',
    'module/nuxt.ts',
    'module/runtime/**/*.ts',
    'bench/processes/*.ts',
    'tests/checks/*.ts',
    // The Containerfile runs it.
    'packaging/stage-image.ts',
    // Run by VitePress, with packages of its own.
    'docs/site/.vitepress/{config.ts,theme/*.ts}',
    'tests/support/faults/rude.ts',
    'tests/support/deploy/compose-visit.ts',
    'deploy/api/api.mjs',
    '.ci/*.mjs',
    'web/client/porchlight.ts',
    'web/app/{app,error}.vue',
    'web/{app,layers/*/app}/{pages,layouts}/**/*.vue',
    'web/{app,layers/*/app}/{middleware,plugins}/**/*.ts',
    'web/layers/*/nuxt.config.ts',
    'web/server/plugins/**/*.ts',
    // Nitro is given it by its configuration.
    'web/server/error-handler.ts',
    // For those who build on the site: Nitro routes of their own call these.
    'web/server/utils/session.ts',
  ],
  project: [
    'server/**/*.ts',
    'web/**/*.{ts,vue}',
    'module/**/*.ts',
    'site-build/**/*.ts',
    'tests/**/*.ts',
    '!tests/apps/*/**',
    'bench/**/*.ts',
    '!bench/peers/**',
    'drizzle/*.ts',
    'packaging/*.ts',
    'docs/site/*.ts',
    'docs/site/generate/**/*.ts',
    '*.{ts,js}',
    '.ci/*.mjs',
  ],
  paths: { '~/*': ['web/app/*'], '#contract/*': ['server/contract/*'] },
  // Nuxt's own, there only inside its build.
  ignoreUnresolved: ['#app', '#nitro-internal-pollyfills', '#porchlight/settings'],
  // Tests unpack the browser in it themselves; the others are Nuxt's own, which the module meets in an application. VitePress is
  // the documentation's own.
  ignoreDependencies: ['@sparticuz/chromium', 'crossws', 'nitropack', 'vitepress'],
  // Debian's: util-linux, libc, and what the fault suite, other browsers and the image need.
  ignoreBinaries: [
    'prometheus',
    'mailpit',
    'Xvfb',
    'prlimit',
    'taskset',
    'mount',
    'umount',
    'strace',
    'unshare',
    'script',
    'podman',
    'systemd-analyze',
    'ldd',
    'go',
  ],
  ignoreExportsUsedInFile: { interface: true, type: true },
  nuxt: { config: ['web/nuxt.config.ts'] },
  compilers: {
    vue: compileVue,
    ts: (text: string, path: string) => (path.startsWith(WEB) ? withAutoImports(text, path) : text),
  },
} satisfies KnipConfig

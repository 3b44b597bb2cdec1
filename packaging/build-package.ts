import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { build } from 'esbuild'
import { describeApi } from '../server/http/openapi/describe-api.ts'
import { ensureSiteBuilt } from '../site-build/build-site.ts'

// `npm run build:package`: the npm package in dist/, compiled, with the site built, and only what it needs to run.

const ROOT = join(import.meta.dirname, '..')
const DIST = join(ROOT, 'dist')
const COPIED = [
  'server/porchlight.mjs',
  'drizzle',
  'deploy/systemd',
  'deploy/proxies',
  'README.md',
  'CHANGELOG.md',
  'SECURITY.md',
  'LICENSE',
]
/** Compiled files that contain the package that they import, and all that it needs of it. */
const BUNDLED = {
  'server/accounts/passkeys/webauthn-library.js': '@simplewebauthn/server',
  'server/accounts/totp.js': 'otpauth',
  'server/mail/mail-library.js': 'nodemailer',
}
/** For CommonJS in a bundle, whose `require` would not find what Node brings. */
const REQUIRE = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"
/** Loaded only from a clone: by `porchlight dev`, and to make what is built here. */
const DEVELOPMENT_ONLY = new Set(['nuxt', 'esbuild', 'h3', '@valibot/to-json-schema'])

interface Manifest {
  [field: string]: unknown
  dependencies: Record<string, string>
}

/** What others import, by its name in the package: the path without its ending. */
const EXPORTS = {
  '.': 'server/exports',
  './client': 'web/client/porchlight',
  './nuxt': 'module/nuxt',
  // For the entry of a built application.
  './nuxt/start': 'server/cli/nuxt-app',
  './testing': 'server/testing',
}
/** Reached by what Nuxt generates in an application. */
const RUNTIME_TYPES = 'module/runtime/**/*.d.ts'

rmSync(DIST, { recursive: true, force: true })
compile('tsconfig.json')
compile('tsconfig.types.json')
keepReachableTypes()
for (const path of COPIED) cpSync(join(ROOT, path), join(DIST, path), { recursive: true, filter: isNoTypeScript })
await copySite()
await bundle()
writeFileSync(join(DIST, 'server/http/openapi/openapi.json'), JSON.stringify(describeApi()))
writeFileSync(join(DIST, 'package.json'), `${JSON.stringify(manifest(), null, 2)}\n`)

function compile(project: string): void {
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
  execFileSync(process.execPath, [tsc, '-p', join(ROOT, 'packaging', project), '--outDir', DIST], { stdio: 'inherit' })
}

function isNoTypeScript(path: string): boolean {
  return !/\.ts$/.test(path)
}

/**
 * Puts a library that brings much more than is used of it into the file that imports it, with the licences beside it.
 * `docs/decisions/037-passkeys.md` says why.
 */
async function bundle(): Promise<void> {
  for (const file of Object.keys(BUNDLED)) {
    const { metafile } = await build({
      absWorkingDir: ROOT,
      entryPoints: [join(DIST, file)],
      outfile: join(DIST, file),
      allowOverwrite: true,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node22',
      banner: { js: REQUIRE },
      legalComments: 'none',
      metafile: true,
      logLevel: 'error',
    })
    writeFileSync(join(DIST, file.replace(/\.js$/, '.LICENSES.txt')), licencesOf(Object.keys(metafile.inputs)))
  }
}

/** @param files of packages, relative to the root */
function licencesOf(files: readonly string[]): string {
  const folders = files.flatMap(file => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? [])
  return [...new Set(folders)]
    .sort()
    .map(folder => {
      const { name, version, license } = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as Record<
        string,
        string
      >
      const [text] = globSync('{LICENSE,LICENCE,license}*', { cwd: join(ROOT, folder) })
      return `${name} ${version} (${license})\n\n${text === undefined ? '' : readFileSync(join(ROOT, folder, text), 'utf8')}`
    })
    .join(`\n${'-'.repeat(80)}\n\n`)
}

/** The newest build of the site, and the stamp that names it. */
async function copySite(): Promise<void> {
  const site = await ensureSiteBuilt(line => process.stdout.write(`${line}\n`))
  writeFileSync(join(DIST, `${EXPORTS['./client']}.js`), site.client)
  const stamp = join('web', '.output', 'porchlight-build.json')
  cpSync(join(ROOT, stamp), join(DIST, stamp))
  const folder = dirname(site.root)
  cpSync(folder, join(DIST, 'web', '.output', basename(folder)), {
    recursive: true,
    // Source maps serve whoever changes the pages; they are larger than the pages.
    filter: path => !path.endsWith('.map'),
  })
}

/** Our own package.json, with what the compiled code imports as the only dependencies. */
function manifest(): Manifest {
  const own = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest
  const { private: _private, scripts: _scripts, devDependencies: _dev, overrides: _, allowScripts: __, ...rest } = own
  const ranges = (names: readonly string[]) =>
    Object.fromEntries(
      names.map(name => {
        const range = own.dependencies[name]
        if (range === undefined) throw new Error(`the package imports ${name}, which is not among our dependencies`)
        return [name, range]
      }),
    )
  return {
    ...rest,
    // The first that strips the types of a porchlight.config.ts without being told to.
    engines: { node: '>=22.18.0' },
    dependencies: ranges(importedPackages()),
    // Nobody installs them, but they belong on the bill of materials.
    bundled: ranges(Object.values(BUNDLED)),
    // For the module alone, whose application has it.
    peerDependencies: { nuxt: '>=4.5.0 <5' },
    peerDependenciesMeta: { nuxt: { optional: true } },
    exports: {
      ...Object.fromEntries(
        Object.entries(EXPORTS).map(([name, path]) => [name, { types: `./${path}.d.ts`, default: `./${path}.js` }]),
      ),
      './package.json': './package.json',
    },
  }
}

/** The compiler declares the types of all that it reads; what no export leads to would only be weight. */
function keepReachableTypes(): void {
  const reached = new Set<string>()
  const reach = (file: string): void => {
    if (reached.has(file)) return
    reached.add(file)
    for (const [, specifier = ''] of readFileSync(file, 'utf8').matchAll(/\b(?:from |import\()["'](\.[^"']+)["']/g))
      reach(join(dirname(file), specifier.replace(/\.[jt]s$/, '.d.ts')))
  }
  for (const path of Object.values(EXPORTS)) reach(join(DIST, `${path}.d.ts`))
  for (const path of globSync(RUNTIME_TYPES, { cwd: DIST })) reach(join(DIST, path))
  for (const file of globSync('**/*.d.ts', { cwd: DIST })) if (!reached.has(join(DIST, file))) rmSync(join(DIST, file))
}

function importedPackages(): string[] {
  const found = new Set<string>()
  for (const file of globSync('{server,site-build}/**/*.js', { cwd: DIST })) {
    const code = readFileSync(join(DIST, file), 'utf8')
    const specifiers = code.matchAll(/(?:\bfrom |\bimport\(|\bimport |\brequire\(|\)\(|\.resolve\()'([^'.#][^']*)'/g)
    for (const [, specifier = ''] of specifiers) {
      const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
      const isPackage = !specifier.startsWith('node:') && !builtinModules.includes(name)
      if (isPackage && !DEVELOPMENT_ONLY.has(name) && existsSync(join(ROOT, 'node_modules', name))) found.add(name)
    }
  }
  return [...found].sort()
}

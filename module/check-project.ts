/** What the module can see of a project, and asks of it. */
export interface Project {
  nuxtVersion: string
  /** As named in `modules`. */
  modules: readonly string[]
  /** Nitro's preset; null: its default. */
  preset: string | null
  /** The folder of this package. */
  packageFolder: string
  /** What `porchlight` is to the project's own code; null: it cannot be found. */
  foundFolder: string | null
  /** What is wrong with the key `porchlight`, a line each. */
  settingProblems: readonly string[]
}

const LEAST_NUXT = [4, 5] as const
/** Modules that sign people in themselves, by names of the same composables and server utilities. */
const RIVALS = ['nuxt-auth-utils', '@sidebase/nuxt-auth', 'nuxt-oidc-auth']
/** Presets that are one Node process. */
const NODE_PRESETS = ['node', 'node-server', 'node_server', 'static', 'nitro-prerender']

/**
 * Everything about a project that would otherwise fail later, without saying why.
 * @throws Error with one clear sentence and what to do
 */
export function checkProject(project: Project): void {
  const { nuxtVersion, modules, preset, packageFolder, foundFolder, settingProblems } = project
  const [major = 0, minor = 0] = nuxtVersion.split('.').map(Number)
  if (major < LEAST_NUXT[0] || (major === LEAST_NUXT[0] && minor < LEAST_NUXT[1]))
    fail(
      `Porchlight needs Nuxt ${LEAST_NUXT.join('.')} or later, and this is ${nuxtVersion}.`,
      'Run `npx nuxt upgrade`.',
    )
  if (major > LEAST_NUXT[0])
    fail(`Porchlight works with Nuxt ${LEAST_NUXT[0]}, and this is ${nuxtVersion}.`, 'Look for a newer Porchlight.')
  const rival = RIVALS.find(name => modules.includes(name))
  if (rival !== undefined)
    fail(
      `${rival} and porchlight/nuxt both sign people in.`,
      `Remove '${rival}' from \`modules\`; docs/guides/from-nuxt-auth-utils.md shows what changes in the pages.`,
    )
  if (preset !== null && !NODE_PRESETS.includes(preset))
    fail(
      `Porchlight is one Node process, and the Nitro preset '${preset}' makes none.`,
      'Remove the preset, or set it to node-server.',
    )
  if (foundFolder !== null && foundFolder !== packageFolder)
    fail(
      `There are two copies of porchlight: ${packageFolder} and ${foundFolder}.`,
      'Keep one: run `npm dedupe`, and see `npm ls porchlight`.',
    )
  if (settingProblems.length > 0)
    fail('The key `porchlight` in nuxt.config is wrong:', ...settingProblems.map(line => `  ${line}`))
}

function fail(...lines: string[]): never {
  throw new Error(lines.join('\n'))
}

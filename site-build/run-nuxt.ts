import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')

/** Runs Nuxt's builder in a process of its own, with our own Node: the one on the PATH may be too old. */
export async function runNuxt(output: string): Promise<void> {
  // Our settings are for the server and must not reach the pages.
  const inherited = Object.entries(process.env).filter(
    ([name]) =>
      !name.startsWith('PORCHLIGHT_') &&
      !name.startsWith('NITRO_') &&
      !name.startsWith('NUXT_') &&
      !name.startsWith('VITEST'),
  )
  // The builder inherits it: its output is not data.
  const umask = process.umask(0o022)
  const child = spawn(
    process.execPath,
    [join(ROOT, 'node_modules', 'nuxt', 'bin', 'nuxt.mjs'), 'build', join(ROOT, 'web')],
    {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...Object.fromEntries(inherited),
        NODE_ENV: 'production',
        SITE_OUTPUT: output,
        NUXT_TELEMETRY_DISABLED: '1',
        NO_COLOR: '1',
      },
    },
  )
  process.umask(umask)
  let log = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (log += String(chunk)))
  const stop = () => child.kill()
  process.once('exit', stop)
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('exit', resolve))
  process.off('exit', stop)
  // Intermediate files (nuxt.config.ts).
  rmSync(`${output}-work`, { recursive: true, force: true })
  if (code !== 0)
    throw new Error(
      `The site could not be built. The end of the build output:\n${log.trimEnd().split('\n').slice(-40).join('\n')}`,
    )
}

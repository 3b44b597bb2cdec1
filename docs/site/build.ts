// `npm run docs` builds the site into docs/site/.vitepress/dist; `npm run docs:dev` shows it while it is being written.
import { spawnSync, spawn } from 'node:child_process'
import { existsSync, watch } from 'node:fs'
import { join } from 'node:path'
import { checkSite } from './check-site.ts'
import { ROOT, stage } from './stage.ts'

const HERE = import.meta.dirname
const VITEPRESS = join(HERE, 'node_modules/vitepress/bin/vitepress.js')

// Its tools are no dependency of Porchlight, and come when they are first used.
if (!existsSync(VITEPRESS)) run('npm', ['ci', '--no-audit', '--no-fund', '--prefix', HERE])
stage()
if (process.argv[2] === 'dev') {
  for (const folder of ['docs', '.']) {
    watch(join(ROOT, folder), { recursive: folder === 'docs' }, (_, name) => {
      if (name?.endsWith('.md') === true && !name.includes('.pages')) stage()
    })
  }
  const server = spawn(process.execPath, [VITEPRESS, 'dev', HERE, '--host', '127.0.0.1'], {
    cwd: HERE,
    stdio: 'inherit',
  })
  server.on('exit', code => process.exit(code ?? 1))
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void server.kill(signal))
} else {
  run(process.execPath, [VITEPRESS, 'build', HERE])
  const dist = join(HERE, '.vitepress/dist')
  const { pages, problems } = checkSite(dist)
  for (const problem of problems) process.stderr.write(`${problem}\n`)
  if (problems.length > 0) process.exit(1)
  process.stdout.write(
    `${pages} pages in ${dist}: every link, anchor and picture is there, and nothing comes from elsewhere.\n`,
  )
}

function run(program: string, args: string[]): void {
  // From here, so that the tools find the tsconfig.json beside this file.
  const { status } = spawnSync(program, args, { cwd: HERE, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

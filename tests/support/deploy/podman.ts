import { execFile, execFileSync, spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT } from '../server.ts'

const run = promisify(execFile)
const NODE = realpathSync(join(ROOT, 'node_modules/node/bin/node'))

/** What our image asks of its base; the published one cannot be fetched everywhere that tests run. */
const BASE_PROGRAMS = ['/bin/sh', '/bin/cat', '/bin/ls', '/bin/ln', '/usr/bin/install', '/usr/bin/touch']

/** Loaded by the image's own packages. */
const NATIVE = 'node_modules/@node-rs/*-linux-*-gnu/*.node'

export const SYSTEMD = '/usr/lib/systemd/systemd'

const PACKAGES = 'podman runc systemd dbus caddy golang-github-containernetworking-plugin-dnsname'

/** As compose.yaml has it; crun does not work with the control groups of some virtual machines. */
export const HARDENED = [
  '--runtime=runc',
  '--ulimit=nofile=4096:4096',
  '--ulimit=nproc=4096:4096',
  '--read-only',
  '--read-only-tmpfs=false',
  '--cap-drop=ALL',
  '--security-opt=no-new-privileges',
]

/**
 * @returns whether images can be built and run here
 * @throws in CI, where they have to be
 */
export function canRunImages(): boolean {
  return canRun('the image', ['podman', 'runc', 'ldd'], [])
}

/** The same for several containers that find each other by name. */
export function canRunCompose(): boolean {
  return canRun('compose.yaml', ['podman', 'runc', 'ldd', 'nsenter'], ['/usr/bin/caddy', '/usr/lib/cni/dnsname'])
}

/** The same for a container whose first process is systemd. */
export function canRunSystemd(): boolean {
  return canRun('the units of deploy/systemd', ['podman', 'runc'], [SYSTEMD, '/usr/bin/dbus-daemon'])
}

function canRun(what: string, programs: string[], files: string[]): boolean {
  const missing = programs.filter(program => spawnSync(program, ['--version']).status !== 0)
  missing.push(...files.filter(file => !existsSync(file)))
  const reason = process.getuid?.() !== 0 ? 'that takes root' : missing.length > 0 ? `no ${missing.join(', ')}` : null
  if (reason === null) return true
  if (process.env['CI'] === 'true') throw new Error(`${what} cannot be tested: ${reason}.`)
  process.stderr.write(`\n\n!!! NOT TESTED: ${what} (${reason}). On Debian, as root: apt-get install ${PACKAGES}\n\n`)
  return false
}

/** @throws with what podman wrote to stderr */
export async function podman(...args: string[]): Promise<string> {
  const { stdout } = await run('podman', args, { maxBuffer: 64 * 1024 * 1024 })
  return stdout.trim()
}

/** The same for what may fail: stdout and stderr together, without what podman itself says about missing systemd. */
export function attempt(...args: string[]): { code: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync('podman', args, { encoding: 'utf8', timeout: 60_000 })
  return { code: status, output: (stdout + stderr).replaceAll(/^time=".*\n/gm, '').trim() }
}

/**
 * Makes a base image of this machine's shell and our Node, with the libraries that they load.
 * @param programs further ones
 */
export async function makeBaseImage(name: string, programs: string[] = []): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'porchlight-base-'))
  const copy = (file: string, to = file): void => {
    mkdirSync(dirname(join(root, to)), { recursive: true })
    if (!existsSync(join(root, to))) copyFileSync(file, join(root, to))
  }
  try {
    copy(NODE, '/usr/local/bin/node')
    copy('/usr/bin/env')
    for (const program of [...BASE_PROGRAMS, ...programs]) copy(program)
    const loading = [NODE, '/usr/bin/env', ...BASE_PROGRAMS, ...programs, ...globSync(NATIVE, { cwd: ROOT })]
    for (const file of loading.flatMap(librariesOf)) copy(file)
    for (const folder of ['tmp', 'etc', 'proc', 'sys', 'dev']) mkdirSync(join(root, folder), { recursive: true })
    await run('sh', ['-c', 'tar -C "$1" -c . | podman import -q - "$2"', 'sh', root, name])
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

function librariesOf(program: string): string[] {
  const { stdout } = spawnSync('ldd', [program], { cwd: ROOT, encoding: 'utf8' })
  return [...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, file = '']) => file)
}

/** Builds deploy/Containerfile as it is. What its first stage makes, the same script makes here from the tarball. */
export async function buildImage(name: string, base: string, tarball: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'porchlight-files-'))
  try {
    execFileSync('tar', ['-xzf', tarball, '-C', folder])
    await run(NODE, ['packaging/stage-image.ts', join(folder, 'package'), join(folder, 'files')], { cwd: ROOT })
    await podman(
      'build',
      '--format=docker',
      '--isolation=chroot',
      `--build-arg=NODE_IMAGE=${base}`,
      `--build-context=files=${folder}`,
      `--tag=${name}`,
      '--file=deploy/Containerfile',
      ROOT,
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What Docker's caddy image has, with this machine's Caddy in the base. */
export async function buildCaddyImage(name: string, base: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'porchlight-caddy-'))
  const command = '["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]'
  const lines = [`FROM ${base}`, 'ENV XDG_DATA_HOME=/data XDG_CONFIG_HOME=/config', `CMD ${command}`]
  try {
    writeFileSync(join(folder, 'Containerfile'), lines.join('\n'))
    await podman('build', '--isolation=chroot', `--tag=${name}`, folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** @returns bytes of the compressed layers that an image adds to its base */
export async function compressedSize(image: string, base: string): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'porchlight-layers-'))
  try {
    await podman('push', '--quiet', '--compress', '--format=v2s2', image, `dir:${folder}`)
    const { layers } = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as { layers: { size: number }[] }
    const inBase = JSON.parse(await podman('inspect', '--format={{json .RootFS.Layers}}', base)) as string[]
    if (readdirSync(folder).length < layers.length) throw new Error('podman push wrote too few layers')
    return layers.slice(inBase.length).reduce((sum, { size }) => sum + size, 0)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { NODE, ROOT, temporaryFolder } from '../server.ts'
import { attempt, podman, SYSTEMD } from './podman.ts'

const UNITS = '/usr/lib/systemd/system'
/** Units that a boot would start; what is not named here would set up this machine's kernel, devices and network. */
const KEPT = /^(?:systemd-journald|dbus\.)|^systemd-tmpfiles-setup\.service$/
export const USER_ID = 990

/**
 * A Debian machine in a container: systemd as its first process, this machine's /usr, an /etc and /var of its own, and
 * Porchlight as docs/guides/debian.md installs it. The network is this machine's.
 */
export class SystemdMachine {
  readonly #name: string

  private constructor(name: string) {
    this.#name = name
  }

  /** @param files further ones, by absolute path */
  static async boot(name: string, tarball: string, files: Record<string, string>): Promise<SystemdMachine> {
    const folder = temporaryFolder()
    const [root, installed, local] = ['root', 'package', 'local'].map(part => join(folder, part)) as [
      string,
      string,
      string,
    ]
    makeRoot(root, files)
    execFileSync('tar', ['-xzf', tarball, '-C', folder])
    mkdirSync(join(installed, 'node_modules'))
    mkdirSync(join(local, 'bin'), { recursive: true })
    copyFileSync(NODE, join(local, 'bin/node'))
    cpSync(join(ROOT, 'deploy/systemd/porchlight'), join(local, 'bin/porchlight'))
    execFileSync('chmod', ['-R', 'a+rX', folder])
    execFileSync('sh', ['-c', 'tar -C "$1" -c . | podman import -q - "$2"', 'sh', root, imageOf(name)])
    const place = '/opt/porchlight/node_modules/porchlight'
    await podman(
      'run',
      '--detach',
      `--name=${name}`,
      '--runtime=runc',
      '--privileged',
      '--systemd=always',
      '--network=host',
      '--ulimit=nofile=4096:4096',
      '--ulimit=nproc=4096:4096',
      '--volume=/usr:/usr:ro',
      `--volume=${local}:/usr/local:ro`,
      `--volume=${installed}:${place}:ro`,
      `--volume=${join(ROOT, 'node_modules')}:${place}/node_modules:ro`,
      imageOf(name),
      // As the kernel's first process does on a machine: credentials are mounted for a service from outside of it.
      ...['sh', '-c', `mount --make-rshared / && exec ${SYSTEMD} --unit=multi-user.target`],
    )
    const machine = new SystemdMachine(name)
    machine.run('systemctl', 'is-system-running', '--wait')
    return machine
  }

  /** Runs a program as root. */
  run(...command: string[]): { code: number | null; output: string } {
    return attempt('exec', this.#name, ...command)
  }

  /** The same while this process does something else. @throws if it fails */
  async meanwhile(...command: string[]): Promise<void> {
    await podman('exec', this.#name, ...command)
  }

  /** Runs a script as root. @throws if it fails */
  sh(script: string): string {
    const { status, stdout, stderr } = spawnSync('podman', ['exec', '-i', this.#name, 'sh', '-eu'], {
      input: script,
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(`${script}\n${stdout}${stderr}`)
    return stdout.trim()
  }

  journal(unit: string): string {
    return this.run('journalctl', '--no-pager', '--output=cat', `--unit=${unit}`).output
  }

  stop(): void {
    attempt('rm', '--force', '--time=0', '--volumes', this.#name)
    attempt('rmi', '--force', imageOf(this.#name))
  }
}

const imageOf = (name: string) => `localhost/${name}`

function makeRoot(root: string, files: Record<string, string>): void {
  for (const place of ['bin', 'sbin', 'lib', 'lib64']) {
    mkdirSync(root, { recursive: true })
    symlinkSync(`usr/${place}`, join(root, place))
  }
  for (const place of ['usr', 'proc', 'sys', 'dev', 'run', 'tmp', 'var/tmp', 'root', 'home', 'etc/systemd/system'])
    mkdirSync(join(root, place), { recursive: true })
  for (const file of ['/etc/nsswitch.conf', '/etc/ld.so.cache', '/etc/os-release']) copyFileSync(file, join(root, file))
  const write = (file: string, content: string) => {
    mkdirSync(join(root, file, '..'), { recursive: true })
    writeFileSync(join(root, file), content)
  }
  write(
    '/etc/passwd',
    `root:x:0:0::/root:/bin/sh\nporchlight:x:${USER_ID}:${USER_ID}::/var/lib/porchlight:/usr/sbin/nologin\nmessagebus:x:992:992::/nonexistent:/usr/sbin/nologin\n`,
  )
  write('/etc/group', `root:x:0:\nporchlight:x:${USER_ID}:\nweb:x:991:\nmessagebus:x:992:\n`)
  // A known machine: a first boot would enable whatever is installed.
  write('/etc/machine-id', 'b2c5ee3a4d0f4f7e9d3f0a6b8c1d2e3f\n')
  for (const target of ['sysinit', 'sockets', 'timers', 'multi-user'])
    for (const unit of readdirSync(join(UNITS, `${target}.target.wants`)))
      if (!KEPT.test(unit)) symlinkSync('/dev/null', join(root, 'etc/systemd/system', unit))
  for (const unit of readdirSync(join(ROOT, 'deploy/systemd')).filter(file => file.includes('.')))
    copyFileSync(join(ROOT, 'deploy/systemd', unit), join(root, 'etc/systemd/system', unit))
  for (const [file, content] of Object.entries(files)) write(file, content)
}

import { defineCommand } from 'citty'
import { endWithReader } from './cli/output.ts'
import { run } from './cli/run-command.ts'
import { version } from './base/version.ts'
import { DISPLAY_NAME, NAME } from './contract/name.ts'

/** Commands are loaded on demand, so that a start does not wait for the others. */
const porchlight = defineCommand({
  meta: {
    name: NAME,
    version,
    description: `${DISPLAY_NAME}: a self-hosted backend-for-frontend that keeps tokens on the server`,
  },
  subCommands: {
    start: async () => (await import('./cli/server-commands.ts')).start,
    dev: async () => (await import('./cli/server-commands.ts')).dev,
    build: async () => (await import('./cli/server-commands.ts')).build,
    setup: async () => (await import('./cli/people-commands.ts')).setup,
    invite: async () => (await import('./cli/people-commands.ts')).invite,
    user: async () => (await import('./cli/people-commands.ts')).user,
    session: async () => (await import('./cli/session-commands.ts')).session,
    key: async () => (await import('./cli/key-commands.ts')).key,
    config: async () => (await import('./cli/check-commands.ts')).config,
    healthcheck: async () => (await import('./cli/check-commands.ts')).healthcheck,
    doctor: async () => (await import('./cli/check-commands.ts')).doctor,
    report: async () => (await import('./cli/report-command.ts')).report,
    mail: async () => (await import('./cli/mail-commands.ts')).mail,
    backup: async () => (await import('./cli/data-commands.ts')).backup,
    restore: async () => (await import('./cli/data-commands.ts')).restore,
    drill: async () => (await import('./cli/drill.ts')).drill,
  },
})

// Files that we create are private to their owner, whatever the shell's umask.
process.umask(0o077)
endWithReader(['start', 'dev'].includes(process.argv[2] ?? ''))
await run(porchlight, process.argv.slice(2), version)

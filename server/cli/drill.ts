import { createInterface } from 'node:readline'
import { SECOND, systemClock } from '../base/clock.ts'
import { OperatorError } from '../base/operator-error.ts'
import { NAME } from '../contract/name.ts'
import { isMet, PROOF_SCENARIOS } from '../contract/demo/wire-proof.ts'
import type { Ask } from '../demo/proof/browser.ts'
import { fillIn, lookAround, parseLogin, type Visit, wholeWait } from '../demo/drill/outside.ts'
import { play } from '../demo/proof/scenarios.ts'
import { askHidden } from './ask.ts'
import { command } from './command.ts'
import { startOwnServer } from '../demo/drill/own-server.ts'
import { rowsOf } from '../demo/drill/report.ts'
import { print, printError, printJson, printTable } from './output.ts'

const OUR_LOGIN = 'POST /auth/login {"email":"$email","password":"$password"}'
const OUR_CHECK = '/auth/session'
const LOOPBACK = /^(?:localhost|.+\.localhost|127(?:\.\d+){3}|\[::1\])$/

export const drill = command({
  name: `${NAME} drill`,
  description: 'Test the session guarantees: token exposure, a storm at expiry, a lost response, a stolen cookie',
  args: {
    url: {
      type: 'positional',
      required: false,
      description: 'The site to test; by default, its own server in a temporary folder',
    },
    login: { type: 'string', valueHint: 'request', description: `How to sign in at another site, as '${OUR_LOGIN}'` },
    check: {
      type: 'string',
      valueHint: 'path',
      description: 'A path whose response differs when signed in',
    },
    expect: {
      type: 'string',
      valueHint: 'text',
      description: 'A text that only the signed-in response contains; detected if possible',
    },
    wait: {
      type: 'string',
      valueHint: 'seconds',
      description: 'Lifetime of an access token there; detected if possible',
    },
    'i-own-this': { type: 'boolean', description: 'Allow a site on another machine' },
    json: { type: 'boolean', description: 'Print JSON, for scripts' },
  },
  async run(args) {
    const own =
      args.url === undefined ? await startOwnServer({ env: process.env, say: line => printError([line]) }) : null
    try {
      const visit = own?.visit ?? (await visitOf({ ...args, url: args.url ?? '' }))
      await tryOut(visit, { json: args.json ?? false, staged: own === null })
    } finally {
      await own?.stop()
    }
  },
})

async function tryOut(visit: Visit, { json, staged }: { json: boolean; staged: boolean }): Promise<void> {
  const { site, tokens, leave } = await lookAround(visit)
  printError([
    `Signed in at ${visit.place.origin}. An access token lives ${spoken(site.accessMs / SECOND)} there: this takes about ${spoken(wholeWait(site))}.`,
  ])
  const runs = await Promise.all(PROOF_SCENARIOS.map(scenario => play(scenario, site)))
  await leave()

  const failed = [tokens, ...runs.flatMap(run => run.checks)].filter(check => !isMet(check)).length
  if (json) printJson({ site: visit.place.origin, passed: failed === 0, tokens, runs })
  else {
    print('')
    printTable(['DEMONSTRATION', 'CHECK', 'WANTED', 'SEEN', ''], rowsOf(tokens, runs))
    print('', failed === 0 ? 'All checks passed.' : `${failed} ${failed === 1 ? 'check' : 'checks'} failed.`)
    if (staged && site.ours)
      print(
        'The theft was staged: the security log of this account shows a session that ended because an old key was used again.',
      )
  }
  if (failed > 0) process.exitCode = 1
}

interface DrillArgs {
  url: string
  login?: string | undefined
  check?: string | undefined
  expect?: string | undefined
  wait?: string | undefined
  'i-own-this'?: boolean | undefined
}

async function visitOf(given: DrillArgs): Promise<Visit> {
  const url = URL.parse(given.url)
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new OperatorError(`Not the address of a site: ${given.url}`, ['Expected the form http://localhost:3000'])
  if (!LOOPBACK.test(url.hostname) && given['i-own-this'] !== true) {
    throw new OperatorError(`${url.hostname} is not this machine.`, [
      'A drill sends a hundred requests at once and replays cookies. If you own the site, add --i-own-this.',
    ])
  }
  if (given.login !== undefined && given.check === undefined)
    throw new OperatorError('Use --check PATH for a path that shows whether one is signed in.')
  const wait = given.wait === undefined ? null : Number(given.wait)
  if (wait !== null && !(wait > 0))
    throw new OperatorError(`--wait takes a number of seconds, not ${given.wait ?? ''}.`)
  const tls = url.protocol === 'https:'
  return {
    clock: systemClock,
    place: {
      origin: url.origin,
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(url.port) || (tls ? 443 : 80),
      tls,
    },
    login: await filled(parseLogin(given.login ?? OUR_LOGIN)),
    checkPath: given.check ?? OUR_CHECK,
    expect: given.expect ?? null,
    accessMs: wait === null ? null : wait * SECOND,
  }
}

/** A password is never an argument, which others on the machine could read. */
async function filled(login: Ask): Promise<Ask> {
  const wanted = (name: string) => login.body?.text.includes(name) ?? false
  if (!wanted('$email') && !wanted('$password')) return login
  const { DRILL_EMAIL, DRILL_PASSWORD } = process.env
  if (DRILL_EMAIL !== undefined && DRILL_PASSWORD !== undefined) return fillIn(login, DRILL_EMAIL, DRILL_PASSWORD)
  const lines = createInterface({ input: process.stdin, output: process.stderr, terminal: process.stdin.isTTY })
  if (process.stdin.isTTY) {
    const email = await new Promise<string>(resolve => lines.question('E-mail address: ', resolve))
    lines.close()
    return fillIn(login, email, await askHidden('Password: '))
  }
  const given: string[] = []
  for await (const line of lines) given.push(line)
  const [email, password] = given
  if (email === undefined || password === undefined)
    throw new OperatorError('No credentials given.', [
      'Set DRILL_EMAIL and DRILL_PASSWORD, or write both to stdin, one per line.',
    ])
  return fillIn(login, email, password)
}

function spoken(seconds: number): string {
  const rounded = Math.round(seconds)
  return rounded < 120 ? `${rounded} seconds` : `${Math.round(rounded / 60)} minutes`
}

import { createReadStream } from 'node:fs'
import { toEmailKey } from '../base/email-key.ts'
import { OperatorError } from '../base/operator-error.ts'
import { IMPORT_BATCH, type ImportResult } from '../ops/import-people.ts'
import { boundedLines, type NumberedLine } from './bounded-lines.ts'
import { command } from './command.ts'
import { plain, print, printError, printJson } from './output.ts'
import { openOperations, type Operations } from './perform.ts'

const MAX_LINE_BYTES = 4096

interface Line {
  number: number
  person: unknown
  email: string | null
}
interface Report {
  imported: number
  existing: number[]
  repeated: { line: number; of: number }[]
  refused: { line: number; why: string }[]
  links: { email: string; href: string }[]
}

export const importPeople = command({
  name: 'porchlight user import',
  description: 'Create accounts from a file of another system, with its password hashes',
  args: {
    file: {
      type: 'positional',
      required: true,
      description: 'One JSON object a line: email, and perhaps name, roles, disabled, passwordHash; - for stdin',
    },
    'dry-run': { type: 'boolean', description: 'Only say what would happen' },
    links: { type: 'boolean', description: 'Print a link for each account without a password' },
    json: { type: 'boolean', description: 'Print JSON, for scripts' },
  },
  async run(args) {
    const report: Report = { imported: 0, existing: [], repeated: [], refused: [], links: [] }
    const isTrial = args['dry-run'] === true
    const operations = await openOperations()
    let isComplete = false
    try {
      await importAll(args.file, { operations, dryRun: isTrial, links: args.links === true }, report)
      isComplete = true
    } finally {
      await operations.close()
      // What was done until then, links above all, must not be lost.
      if (isComplete || report.imported > 0 || report.links.length > 0) {
        if (args.json === true) printJson({ dryRun: isTrial, ...report })
        else tell(report, isTrial)
      }
    }
    if (report.refused.length > 0) process.exitCode = 1
  },
})

async function importAll(
  file: string,
  { operations, ...how }: { operations: Operations; dryRun: boolean; links: boolean },
  report: Report,
): Promise<void> {
  /** Where each address of the file was first. */
  const seen = new Map<string, number>()
  let batch: Line[] = []
  const send = async () => {
    const people = batch.map(({ person }) => person)
    const { results } = await operations.perform('user.import', { people, ...how }).catch((error: unknown) => {
      // Whatever was imported before is there, and is skipped the next time.
      if (report.imported > 0)
        printError([`Stopped before line ${batch[0]?.number ?? 1}. Run the same command again to go on.`])
      throw error
    })
    for (const [at, result] of results.entries()) {
      const line = batch[at]
      if (line !== undefined) note(line, result, report)
    }
    batch = []
  }
  for await (const numbered of boundedLines(bytesOf(file), MAX_LINE_BYTES)) {
    const line = read(numbered)
    if (line === null) continue
    if (typeof line === 'string') {
      report.refused.push({ line: numbered.number, why: line })
      continue
    }
    const key = line.email === null ? null : toEmailKey(line.email)
    const first = key === null ? undefined : seen.get(key)
    if (first !== undefined) {
      report.repeated.push({ line: line.number, of: first })
      continue
    }
    if (key !== null) seen.set(key, line.number)
    batch.push(line)
    if (batch.length === IMPORT_BATCH) await send()
  }
  if (batch.length > 0) await send()
}

function bytesOf(file: string): AsyncIterable<Buffer> {
  if (file === '-') return process.stdin as AsyncIterable<Buffer>
  return readFile(file)
}

/** @throws OperatorError */
async function* readFile(file: string): AsyncGenerator<Buffer> {
  try {
    yield* createReadStream(file) as AsyncIterable<Buffer>
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    throw new OperatorError(`Cannot read ${file}${code === '' ? '' : ` (${code})`}.`, [], error)
  }
}

/** @returns what is wrong with the line; null for an empty one */
function read({ number, text }: NumberedLine): Line | string | null {
  if (text === null) return `longer than ${MAX_LINE_BYTES} bytes, or not UTF-8`
  if (text.trim() === '') return null
  try {
    const person: unknown = JSON.parse(text)
    const email = typeof person === 'object' && person !== null && 'email' in person ? person.email : null
    return { number, person, email: typeof email === 'string' ? email.trim() : null }
  } catch {
    // The parser's own message quotes the line.
    return 'not JSON'
  }
}

function note({ number, email }: Line, { outcome, why, link }: ImportResult, report: Report): void {
  if (outcome === 'refused') report.refused.push({ line: number, why: why ?? '' })
  else if (outcome === 'imported') report.imported++
  else report.existing.push(number)
  if (link !== null) report.links.push({ email: email ?? '', href: link })
}

function tell({ imported, existing, repeated, refused, links }: Report, isTrial: boolean): void {
  for (const { email, href } of links) print(`${plain(email)}\t${href}`)
  printError([
    ...refused.map(({ line, why }) => `line ${line}: ${plain(why)}`),
    ...existing.map(line => `line ${line}: already has an account; skipped`),
    ...repeated.map(({ line, of }) => `line ${line}: the address of line ${of} again; skipped`),
    [
      `${isTrial ? 'Would import' : 'Imported'} ${imported}`,
      `${existing.length + repeated.length} skipped`,
      `${refused.length} refused.`,
    ].join(', '),
  ])
}

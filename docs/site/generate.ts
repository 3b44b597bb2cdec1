// `npm run docs:generate` writes what the code knows into the documents, between <!-- generated NAME --> and
// <!-- /generated -->, and docs/llms.txt. A structure test asks that nothing would change.
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CONTENTS } from './contents.ts'
import { callSections, typeSections } from './generate/http.ts'
import { metricLists } from './generate/metrics.ts'
import { endReasonTable, problemTable } from './generate/people.ts'
import { reportTables } from './generate/report.ts'
import { fieldTable, settingSections } from './generate/settings.ts'
import { ROOT, titleOf } from './stage.ts'

/** What a document can have generated. */
const PARTS: Record<string, () => string> = {
  settings: settingSections,
  upstreams: () => fieldTable('upstreams'),
  providers: () => fieldTable('providers'),
  site: () => fieldTable('site'),
  brand: () => fieldTable('brand'),
  tokenApi: () => fieldTable('tokenApi'),
  calls: callSections,
  types: typeSections,
  problems: problemTable,
  'end-reasons': endReasonTable,
  report: reportTables,
  metrics: metricLists,
}
const PART = /(<!-- generated (\S+) -->\n)[\s\S]*?(<!-- \/generated -->)/g

/** The documents as they should be: only those that have something generated. */
export function generated(): Map<string, string> {
  const made = new Map(Object.entries(PARTS).map(([name, make]) => [name, make()]))
  const documents = globSync(['docs/**/*.md', 'SECURITY.md'], {
    cwd: ROOT,
    exclude: path => path.startsWith('docs/site'),
  }).sort()
  const texts = new Map([['docs/llms.txt', llms()]])
  for (const file of documents) {
    const text = readFileSync(join(ROOT, file), 'utf8')
    const whole = text.replaceAll(PART, (_, begin: string, name: string, end: string) => {
      const part = made.get(name)
      if (part === undefined) throw new Error(`${file}: nothing is generated under the name ${name}`)
      return `${begin}\n${part}\n\n${end}`
    })
    if (text.includes('<!-- generated ')) texts.set(file, whole)
  }
  return texts
}

/** An index for programs (llmstxt.org). */
function llms(): string {
  const groups = CONTENTS.map(({ title, pages }) => {
    const lines = pages
      .filter(({ file }) => existsSync(join(ROOT, file)))
      .map(
        ({ file, about }) =>
          `- [${titleOf(file)}](${file.startsWith('docs/') ? file.slice(5) : `../${file}`}): ${about}`,
      )
    return `## ${title}\n\n${lines.join('\n')}`
  })
  const about =
    '> A self-hosted backend-for-frontend (RFC 10017): signs people in, keeps every token on the server, and relays same-origin calls to APIs. One Node process: Hono, Nuxt, SQLite.'
  return `# Porchlight\n\n${about}\n\n${groups.join('\n\n')}\n`
}

if (import.meta.main) for (const [file, text] of generated()) writeFileSync(join(ROOT, file), text)

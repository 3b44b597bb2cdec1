import { execFileSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import * as ts from 'typescript'
import * as v from 'valibot'
import { beforeAll, describe, expect, test } from 'vitest'
import { Settings } from '../../server/config/settings.ts'
import { filesShownIn } from '../support/guide-blocks.ts'
import { environmentFor, findPython } from '../support/python.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const FASTAPI = join(ROOT, 'examples/fastapi')
const python = findPython()

interface Block {
  where: string
  language: string
  code: string
}

/** Every fenced block of a page, with the line where its code begins. */
function blocksOf(path: string): Block[] {
  const page = readFileSync(join(ROOT, path), 'utf8')
  return [...page.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(match => ({
    where: `${path}:${page.slice(0, match.index).split('\n').length + 1}`,
    language: match[1] ?? '',
    code: match[2] ?? '',
  }))
}

/** What a file is once a diff has been applied. */
function afterChange(diff: string): string {
  return diff.replace(/^-.*\n/gm, '').replace(/^[ +]/gm, '')
}

const blocks = [
  ...globSync('docs/guides/*.md', { cwd: ROOT }),
  'examples/fastapi/README.md',
  'examples/fastapi-tokens/README.md',
].flatMap(blocksOf)
const written = (...languages: string[]) =>
  blocks.filter(({ language }) => languages.includes(language)).map(block => [block.where, block] as const)
const scripts = written('ts', 'js', 'vue', 'diff').map(([where, block]) => {
  const code = block.language === 'diff' ? afterChange(block.code) : block.code
  return [where, /<script[^>]*>([\s\S]*?)<\/script>/.exec(code)?.[1] ?? code] as const
})
const configurations = scripts.filter(
  ([, code]) => /^export default \{/m.test(code) && /\b(?:upstreams|providers): \[/.test(code),
)
const pythons = written('python')

test('the guides have code, all of it in a language that is checked here or run by a test, but for what a program printed', () => {
  expect(blocks.length).toBeGreaterThan(15)
  const others = blocks.filter(
    ({ language }) => !['ts', 'js', 'html', 'vue', 'diff', 'python', 'ini', 'sh', 'text', 'yaml'].includes(language),
  )
  // Run by tests/apps/verifiers.test.ts. Program.cs cannot be, and the guide says so.
  const run = [...filesShownIn('docs/guides/verifying-apis.md')].filter(([name]) => name !== 'Program.cs')
  const recipes = readFileSync(join(ROOT, 'tests/support/verifiers.ts'), 'utf8')
  expect(run.filter(([name]) => !recipes.includes(`${name}'`))).toEqual([])
  expect(
    others.filter(
      ({ code }) =>
        !code.includes('// Program.cs') && !run.some(([, text]) => code.slice(code.indexOf('\n') + 1) === text),
    ),
  ).toEqual([])
})

describe('TypeScript in the guides', () => {
  test.each(scripts)('%s compiles', (_where, code) => {
    const { diagnostics } = ts.transpileModule(code, {
      reportDiagnostics: true,
      compilerOptions: { target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext },
    })
    expect((diagnostics ?? []).map(each => ts.flattenDiagnosticMessageText(each.messageText, '\n'))).toEqual([])
  })

  test.each(configurations)('%s is a configuration that Porchlight takes', async (_where, code) => {
    const { default: config } = (await import(`data:text/javascript,${encodeURIComponent(code)}`)) as {
      default: Record<string, unknown>
    }
    expect(v.safeParse(Settings, config).issues).toBeUndefined()
  })
})

// What the filter of fail2ban matches is tested by tests/structure/log-events.test.ts.
test.each(written('ini'))('%s is sections of settings', (_where, { code }) => {
  const [first, ...lines] = code.split('\n').filter(line => line.trim() !== '')
  expect(first).toMatch(/^\[\w+\]$/)
  expect(lines.filter(line => !/^(?:\[\w+\]|\w+\s*=.*|[#;].*)$/.test(line))).toEqual([])
})

describe.skipIf(python === null)('Python in the guides', () => {
  let environment: string
  beforeAll(() => {
    environment = environmentFor(python ?? '', join(FASTAPI, 'requirements.txt'))
  })
  const run = (code: string, cwd: string) =>
    execFileSync(environment, ['-B', '-W', 'error::SyntaxWarning', '-c', code], {
      cwd,
      stdio: 'pipe',
      encoding: 'utf8',
    })

  test.each(pythons)('%s compiles', (_where, { code }) => {
    run(`compile(${JSON.stringify(code)}, 'guide', 'exec')`, FASTAPI)
  })

  test.each(pythons.filter(([, { code }]) => code.startsWith('# after')))(
    "%s works with the example's packages and its auth.py",
    (_where, { code }) => {
      run(code, FASTAPI)
    },
  )

  test("the step that writes people's new ids beside their old rows does so, whatever the case of their address", () => {
    const code = pythons.map(([, block]) => block.code).find(each => each.includes('people.json')) ?? ''
    const folder = mkdtempSync(join(tmpdir(), 'guide-'))
    const people = [
      { id: 'p1', email: 'ada@example.org', name: 'Ada', roles: ['admin', 'user'], disabledAt: null },
      { id: 'p2', email: 'nobody@example.org', name: 'N', roles: ['user'], disabledAt: null },
    ]
    writeFileSync(join(folder, 'people.json'), JSON.stringify(people))
    const database = 'import sqlite3; db = sqlite3.connect("shop.db")\n'
    run(
      `${database}db.execute("CREATE TABLE users (email TEXT)"); db.execute("INSERT INTO users VALUES ('Ada@Example.org'), ('bob@example.org')"); db.commit()`,
      folder,
    )
    run(code, folder)
    expect(run(`${database}print(db.execute("SELECT email, subject FROM users").fetchall())`, folder).trim()).toBe(
      "[('Ada@Example.org', 'p1'), ('bob@example.org', None)]",
    )
    rmSync(folder, { recursive: true, force: true })
  })
})

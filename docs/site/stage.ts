import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, posix, resolve } from 'node:path'
import { CONTENTS, UNLISTED } from './contents.ts'

export const ROOT = resolve(import.meta.dirname, '../..')
/** What VitePress reads: copies of the documents, whose links lead to pages of the site. */
const STAGE = join(import.meta.dirname, '.pages')

/** Documents beside docs/ that are pages of the site, and the one that its landing page stands for. */
const OUTSIDE = new Map([
  ['SECURITY.md', 'security.md'],
  ['CONTRIBUTING.md', 'contributing.md'],
  ['CHANGELOG.md', 'changelog.md'],
  ['README.md', 'index.md'],
])

/** Every Markdown file of docs/ that is a page, from the root of the repository. */
export function documents(): string[] {
  return globSync('docs/**/*.md', { cwd: ROOT, exclude: path => path.startsWith('docs/site') }).sort()
}

/** @returns the page's path in the site, such as `guides/hosting.md`; null: no page */
export function pageOf(file: string): string | null {
  const outside = OUTSIDE.get(file)
  if (outside !== undefined) return outside
  if (!file.startsWith('docs/') || !file.endsWith('.md') || file.startsWith('docs/site/')) return null
  return file.slice('docs/'.length).replace(/README\.md$/, 'index.md')
}

/** The text of a page's `# heading`. */
export function titleOf(file: string): string {
  const [, title = file] = /^# (.+)$/m.exec(readFileSync(join(ROOT, file), 'utf8')) ?? []
  return title.replaceAll('`', '')
}

/** The id of a heading, without its backticks and links. */
export function headingId(text: string): string {
  return text
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-')
}

/** Copies everything, and rewrites links. Files that did not change are not touched, so that a dev server stays calm. */
export function stage(): void {
  mkdirSync(STAGE, { recursive: true })
  const wanted = new Set<string>()
  const put = (path: string, text: string) => {
    wanted.add(path)
    putFile(path, Buffer.from(text))
  }
  for (const file of [...documents(), ...OUTSIDE.keys()]) {
    const page = pageOf(file)
    if (page === null || file === 'README.md') continue
    put(page, front(file) + withSiteLinks(readFileSync(join(ROOT, file), 'utf8'), file, page))
  }
  for (const page of globSync('**/*.md', { cwd: join(import.meta.dirname, 'pages') }))
    put(page, readFileSync(join(import.meta.dirname, 'pages', page), 'utf8'))
  for (const old of globSync('**/*.md', { cwd: STAGE })) if (!wanted.has(old)) rmSync(join(STAGE, old))
  for (const picture of globSync('*', { cwd: join(ROOT, 'docs/pictures') }))
    putFile(`pictures/${picture}`, readFileSync(join(ROOT, 'docs/pictures', picture)))
  putFile('public/favicon.svg', readFileSync(join(ROOT, 'web/public/favicon.svg')))
  putFile('public/llms.txt', readFileSync(join(ROOT, 'docs/llms.txt')))
  putFile('public/llms-full.txt', Buffer.from(wholeText()))
}

function putFile(path: string, bytes: Buffer): void {
  const target = join(STAGE, path)
  if (existsSync(target) && readFileSync(target).equals(bytes)) return
  mkdirSync(dirname(target), { recursive: true })
  writeFileSync(target, bytes)
}

/** Every listed page, one after the other, for programs that read all of it. */
function wholeText(): string {
  return CONTENTS.flatMap(group => group.pages)
    .filter(({ file }) => existsSync(join(ROOT, file)))
    .map(({ file }) => `<!-- ${file} -->\n\n${readFileSync(join(ROOT, file), 'utf8').trim()}\n`)
    .join('\n\n')
}

function front(file: string): string {
  const about = CONTENTS.flatMap(({ pages }) => pages).find(page => page.file === file)?.about
  const wide = UNLISTED.test(file) ? ['editLink: false'] : []
  const lines = [...(about === undefined ? [] : [`description: ${JSON.stringify(about)}`]), ...wide]
  return lines.length === 0 ? '' : `---\n${lines.join('\n')}\n---\n\n`
}

/**
 * Links to other documents lead to their pages. What is no page, such as a source file, is a link into the repository
 * if `DOCS_REPOSITORY` says where that is, and plain text otherwise. Code is left alone.
 */
export function withSiteLinks(text: string, file: string, page: string, repository = process.env['DOCS_REPOSITORY']) {
  return outsideCode(text, part =>
    part.replaceAll(
      /(!?)\[((?:[^[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)/g,
      (whole, image: string, label: string, link: string) => {
        if (/^(?:[a-z]+:|#)/i.test(link)) return whole
        const [path = '', hash] = link.split('#')
        const target = posix.join(posix.dirname(file), path).replace(/\/$/, '')
        const folder = existsSync(join(ROOT, target, 'README.md')) ? pageOf(`${target}/README.md`) : null
        const other = pageOf(target) ?? folder
        const anchor = hash === undefined ? '' : `#${hash}`
        const from = (to: string) => posix.relative(posix.dirname(`/${page}`), `/${to}`) || posix.basename(to)
        if (image !== '' || target.startsWith('docs/pictures/'))
          return `${image}[${label}](${dotted(from(target.slice('docs/'.length)))})`
        if (other !== null) return `[${label}](${dotted(from(other))}${anchor})`
        return repository === undefined ? label : `[${label}](${repository.replace(/\/$/, '')}/${target}${anchor})`
      },
    ),
  )
}

const dotted = (path: string) => (path.startsWith('.') ? path : `./${path}`)

/** Applies a change to what is neither a fenced block nor a code span that stands outside of a link. */
function outsideCode(text: string, change: (part: string) => string): string {
  return text
    .split(/^(```[\s\S]*?^```)/m)
    .map((part, index) => (index % 2 === 1 ? part : change(part)))
    .join('')
}

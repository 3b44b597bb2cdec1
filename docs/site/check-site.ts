import { existsSync, globSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'

/** Attributes whose address the browser loads or leads to. */
const ADDRESS = /<(a|img|script|link|source|iframe|use)\b[^>]*?\s(?:href|src|srcset)="([^"]*)"/g

/** Reads every built page. @returns one line for each link, anchor or file that is missing or comes from elsewhere */
export function checkSite(dist: string): { pages: number; problems: string[] } {
  const pages = globSync('**/*.html', { cwd: dist }).sort()
  const texts = new Map(pages.map(page => [page, readFileSync(join(dist, page), 'utf8')]))
  const ids = new Map([...texts].map(([page, text]) => [page, idsIn(text)]))
  const problems = [...texts].flatMap(([page, text]) =>
    [...text.matchAll(ADDRESS)].flatMap(([, element = '', address = '']) => {
      const wrong = judge(page, element, decode(address))
      return wrong === null ? [] : [`${page}: ${wrong}`]
    }),
  )
  const styles = globSync('assets/**/*.css', { cwd: dist }).flatMap(file =>
    /url\(["']?https?:|@import/.test(readFileSync(join(dist, file), 'utf8')) ? [`${file}: loads from elsewhere`] : [],
  )
  return { pages: pages.length, problems: [...new Set([...problems, ...styles])] }

  function judge(page: string, element: string, address: string): string | null {
    if (/^(?:https?:)?\/\//.test(address)) return element === 'a' ? null : `<${element}> loads ${address}`
    if (/^(?:mailto|data):/.test(address) || address === '') return null
    const [path = '', hash = ''] = address.split('#')
    const target = fileOf(page, path.split('?')[0] ?? '')
    if (target === null) return `no page or file ${address}`
    if (hash === '' || !target.endsWith('.html')) return null
    return ids.get(target)?.has(decodeURIComponent(hash)) === true ? null : `no such place ${address}`
  }

  function fileOf(page: string, path: string): string | null {
    const file =
      path === '' ? page : posix.join(path.startsWith('/') ? '' : posix.dirname(page), path).replace(/^\//, '')
    const found = [file, posix.join(file, 'index.html'), `${file}.html`].find(
      each =>
        ids.has(each) ||
        (!each.endsWith('.html') && each !== '' && existsSync(join(dist, each)) && /\.\w+$/.test(each)),
    )
    return found ?? null
  }
}

function idsIn(html: string): ReadonlySet<string> {
  return new Set([...html.matchAll(/\sid="([^"]+)"/g)].map(([, id = '']) => decode(id)))
}

function decode(text: string): string {
  return text.replaceAll('&amp;', '&').replaceAll('&quot;', '"').replaceAll('&#39;', "'")
}

import { escapeHtml } from '../../base/escape-html.ts'
import { newNonce } from '../../base/ids.ts'
import type { Problem } from '../../base/problem.ts'
import { readableCookies } from '../../contract/readable-cookies.ts'
import type { SiteBrand } from '../../contract/brand.ts'
import { type Language, LANGUAGE_COOKIE, languageOf } from '../../contract/languages.ts'
import type { RequestContext, WayOn } from '../request/request-context.ts'
import { plainWords, wayOnWords } from './plain-words.ts'

/**
 * The page for an error that the site cannot render: a single document without scripts, and one style with its own
 * nonce.
 */
export function plainPage(
  ctx: Pick<RequestContext, 'id' | 'headers' | 'brand' | 'wayOn'>,
  problem: Problem,
): { html: string; policy: string } {
  const nonce = newNonce()
  const { headers } = ctx
  const wayOn = ctx.wayOn?.(problem) ?? null
  const language = languageOf(
    readableCookies(headers.cookie ?? '').get(LANGUAGE_COOKIE) ?? null,
    headers['accept-language'],
  )
  const { brand } = ctx
  // Under another host than ours, a picture of ours cannot be loaded.
  const logo = problem.code === 'wrong_host' ? null : brand.logo
  const words = plainWords(problem.code, language)
  const details =
    problem.extras.detail === undefined ? '' : `<p class="detail">${escapeHtml(problem.extras.detail)}</p>`
  const html = `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escapeHtml(words.title)} · ${escapeHtml(brand.name)}</title>
<style nonce="${nonce}">${STYLE}${brand.styles ?? ''}</style>
</head>
<body>
<main>
<p class="brand">${markOf(logo, brand.name)}</p>
<h1>${escapeHtml(words.title)}</h1>
${words.advice.map(line => `<p>${escapeHtml(line)}</p>`).join('\n')}
${details}
${wayOn === null ? '' : linkOf(wayOn, language)}
<p class="id">${escapeHtml(words.requestId)} <code>${escapeHtml(ctx.id)}</code></p>
</main>
</body>
</html>
`
  return {
    html,
    policy: `default-src 'none'; style-src 'nonce-${nonce}'; ${logo === null ? '' : "img-src 'self'; "}base-uri 'none'; form-action 'none'; frame-ancestors ${wayOn?.place === 'around' ? "'self'" : "'none'"}`,
  }
}

const TARGETS = { here: '', around: ' target="_top"', beside: ' target="_blank"' } as const

function linkOf({ href, label, note, place }: WayOn, language: Language): string {
  const { text, resend } = wayOnWords(label, language)
  const named = note === null ? escapeHtml(text) : `${escapeHtml(text)}: <bdi>${escapeHtml(note)}</bdi>`
  const advice = place === 'beside' ? `<p>${escapeHtml(resend)}</p>\n` : ''
  return `${advice}<p><a href="${escapeHtml(href)}"${TARGETS[place]}>${named}</a></p>`
}

const STYLE = `
:root{color-scheme:light dark;--paper:light-dark(#faf7f1,#15120f);--ink:light-dark(#26211c,#f3ece1);--ink-soft:light-dark(#675d51,#b3a696);--lamp:light-dark(#b4530a,#f4b24f);--accent:light-dark(#96500a,#f4b24f)}
body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--paper);color:var(--ink);font:1rem/1.6 system-ui,sans-serif}
main{max-width:34rem;padding:2rem;border-left:3px solid var(--lamp)}
h1{font-size:1.5rem;line-height:1.3;margin:0 0 1rem}
.brand{display:flex;align-items:center;gap:.75rem;color:var(--ink-soft);margin:0 0 1.5rem}
.brand img{display:block;width:auto;height:2.5rem;max-width:12rem;object-fit:contain;object-position:left}
a{display:inline-block;padding:.5rem 0;color:var(--accent);overflow-wrap:anywhere}
.detail{overflow-wrap:anywhere}
.id{color:var(--ink-soft);font-size:.875rem;margin-top:2rem}`

function markOf(logo: SiteBrand['logo'], name: string): string {
  const text = `<bdi>${escapeHtml(name)}</bdi>`
  if (logo === null) return text
  const { light, dark, alone } = logo
  const inDark = dark.src === light.src ? '' : `<source media="(prefers-color-scheme:dark)" srcset="${dark.src}">`
  const picture = (alt: string) => `<picture>${inDark}<img src="${light.src}" alt="${escapeHtml(alt)}"></picture>`
  return alone ? picture(name) : picture('') + text
}

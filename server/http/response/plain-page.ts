import { newNonce } from '../../base/ids.ts'
import type { Problem } from '../../base/problem.ts'
import { readableCookies } from '../../contract/readable-cookies.ts'
import { type Language, LANGUAGE_COOKIE, languageOf } from '../../contract/languages.ts'
import type { RequestContext, WayOn } from '../request/request-context.ts'
import { plainWords, wayOnWords } from './plain-words.ts'

/**
 * The page for an error that the site cannot render: a single document without scripts or images, and one style with
 * its own nonce.
 */
export function plainPage(
  ctx: Pick<RequestContext, 'id' | 'headers' | 'brand' | 'wayOn'>,
  problem: Problem,
): { html: string; policy: string } {
  const nonce = newNonce()
  const { headers, wayOn } = ctx
  const language = languageOf(
    readableCookies(headers.cookie ?? '').get(LANGUAGE_COOKIE) ?? null,
    headers['accept-language'],
  )
  const words = plainWords(problem.code, language)
  const details =
    problem.extras.detail === undefined ? '' : `<p class="detail">${escapeHtml(problem.extras.detail)}</p>`
  const html = `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escapeHtml(words.title)} · ${escapeHtml(ctx.brand.name)}</title>
<style nonce="${nonce}">${STYLE}</style>
</head>
<body>
<main>
<p class="brand"><bdi>${escapeHtml(ctx.brand.name)}</bdi></p>
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
    policy: `default-src 'none'; style-src 'nonce-${nonce}'; base-uri 'none'; form-action 'none'; frame-ancestors ${wayOn?.place === 'around' ? "'self'" : "'none'"}`,
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
:root{color-scheme:light dark;--paper:#faf8f5;--ink:#26221d;--soft:#6a6258;--light:#b4530a}
@media (prefers-color-scheme:dark){:root{--paper:#191613;--ink:#efe9e1;--soft:#b0a699;--light:#f5a54a}}
body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--paper);color:var(--ink);font:1rem/1.6 system-ui,sans-serif}
main{max-width:34rem;padding:2rem;border-left:3px solid var(--light)}
h1{font-size:1.5rem;line-height:1.3;margin:0 0 1rem}
.brand{color:var(--soft);margin:0 0 1.5rem}
a{display:inline-block;padding:.5rem 0;color:var(--light);overflow-wrap:anywhere}
.detail{overflow-wrap:anywhere}
.id{color:var(--soft);font-size:.875rem;margin-top:2rem}`

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}

import { DISPLAY_NAME } from '../../contract/name.ts'
import { countsOf, type Report, type Section } from './make-report.ts'
import { type Group, grouped, STATES, summary } from './report-text.ts'

const STYLE = `
:root{color-scheme:light dark;--ink:light-dark(#1c1a17,#ece7de);--soft:light-dark(#5d574e,#a9a296);--paper:light-dark(#fffdf9,#171512);
--rule:light-dark(#e4ddd0,#38332c);--met:light-dark(#1d6b3c,#7fd49f);--not_met:light-dark(#a3240f,#ff9c86);--not_applicable:var(--soft);--untold:light-dark(#7a5500,#e8c06a)}
*{box-sizing:border-box}
body{margin:0 auto;max-width:64rem;padding:2.5rem 1.25rem 4rem;background:var(--paper);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}
h1{font-size:1.75rem;line-height:1.2;margin:0 0 .25rem;text-wrap:balance}
h2{font-size:1.2rem;line-height:1.3;margin:3rem 0 .25rem;text-wrap:balance}
p{margin:.25rem 0}
.soft{color:var(--soft)}
.counts{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.5rem,1fr));gap:.75rem;margin:1.5rem 0 0;padding:0}
.counts div{border:1px solid var(--rule);border-radius:.5rem;padding:.75rem 1rem}
.counts dt{color:var(--soft);font-size:.875rem}
.counts dd{margin:0;font-size:1.75rem;font-variant-numeric:tabular-nums;line-height:1.2}
table{width:100%;border-collapse:collapse;margin-top:1rem}
th,td{text-align:start;vertical-align:top;padding:.6rem .75rem .6rem 0;border-top:1px solid var(--rule)}
th{font-weight:600}
thead th{border-top:0;color:var(--soft);font-size:.875rem}
tbody th{white-space:nowrap;font-variant-numeric:tabular-nums}
td.state{white-space:nowrap;font-weight:600}
.met{color:var(--met)}.not_met{color:var(--not_met)}.not_applicable{color:var(--not_applicable)}.untold{color:var(--untold)}
td p{margin:0}
td p+p{margin-top:.15rem}
.mend::before{content:"→ "}
.ids{font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
@media (max-width:40rem){thead{display:none}tr{display:block;border-top:1px solid var(--rule);padding:.6rem 0}th,td{display:block;border:0;padding:0}}
@media print{:root{color-scheme:light}body{max-width:none;padding:0;font-size:.8rem}tr{break-inside:avoid}h2{break-after:avoid}}
`

/** One page that needs nothing else: no script, no image, no font. */
export function reportHtml(report: Report): string {
  const { publicUrl, madeAt, level, sections, counts } = report
  const title = `Security report for ${new URL(publicUrl).host}`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>${escaped(title)}</h1>
<p class="soft">Made by ${DISPLAY_NAME} on <time datetime="${madeAt}">${madeAt.slice(0, 16).replace('T', ' ')} UTC</time> from the running configuration. OWASP ASVS up to level ${level}.</p>
<dl class="counts">
${Object.entries(counts)
  .map(
    ([state, count]) =>
      `<div><dt>${capital(STATES[state as keyof typeof STATES].toLowerCase())}</dt><dd class="${state}">${count}</dd></div>`,
  )
  .join('\n')}
</dl>
</header>
<main>
${sections.map(sectionHtml).join('\n')}
</main>
</body>
</html>
`
}

function sectionHtml({ standard, title, lines, silent }: Section): string {
  return `<section aria-labelledby="${standard}">
<h2 id="${standard}">${escaped(title)}</h2>
<p class="soft">${capital(summary(countsOf(lines)))}.</p>
<table>
<thead><tr><th scope="col">Requirement</th><th scope="col">What it asks, and what was found</th><th scope="col">State</th></tr></thead>
<tbody>
${grouped(lines).map(lineHtml).join('\n')}
</tbody>
</table>
${silent.length === 0 ? '' : `<p><strong>Not looked at</strong>, because they ask about code, documents or how people work (${silent.length}):</p>\n<p class="ids soft">${silent.join(' ')}</p>`}
</section>`
}

function lineHtml({ label, asks, outcome }: Group): string {
  const { state, why } = outcome
  const proof = outcome.state === 'met' && outcome.proof.length > 0 ? ` (tests: ${outcome.proof.join(', ')})` : ''
  const mend = outcome.state === 'not_met' ? `<p class="mend">${escaped(outcome.mend)}</p>` : ''
  return `<tr><th scope="row">${label}</th><td><p>${escaped(asks)}</p><p class="soft">${escaped(why + proof)}</p>${mend}</td><td class="state ${state}">${capital(STATES[state].toLowerCase())}</td></tr>`
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

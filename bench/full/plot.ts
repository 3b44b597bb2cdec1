import type { Column, Section } from './section.ts'

const WIDTH = 760
const NAMES = 210
const BAR = 18
const LINE = 28
const TOP = 44

/**
 * A bar for each row, the longest as wide as the page. Rows that failed have none, and say so.
 * @returns an SVG document that can be read on light and on dark
 */
export function barChart({ title, rows }: Section, { key, title: unit, digits }: Column): string {
  const longest = Math.max(...rows.map(row => row.values[key] ?? 0), Number.MIN_VALUE)
  const room = WIDTH - NAMES - 110
  const bars = rows.map(({ name, values, failed }, at) => {
    const value = values[key]
    const y = TOP + at * LINE
    const width = value === undefined ? 0 : Math.max(1, (value / longest) * room)
    const label = value === undefined ? 'failed' : value.toFixed(digits)
    return [
      `<text x="${NAMES - 10}" y="${y + 14}" text-anchor="end">${escaped(name)}</text>`,
      `<rect class="${name === 'Porchlight' ? 'ours' : 'theirs'}" x="${NAMES}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" rx="2"/>`,
      `<text class="${failed === null ? 'value' : 'failed'}" x="${(NAMES + width + 8).toFixed(1)}" y="${y + 14}">${label}</text>`,
    ].join('')
  })
  const height = TOP + rows.length * LINE + 8
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escaped(`${title}: ${unit}`)}">
<style>
svg { background: #fff; font: 13px system-ui, sans-serif; } text { fill: #222; } .title { font-weight: 600; } .value { fill: #555; } .failed { fill: #b00020; } .ours { fill: #c77700; } .theirs { fill: #8a94a6; }
@media (prefers-color-scheme: dark) { svg { background: #16181d; } text { fill: #e6e6e6; } .value { fill: #aaa; } .failed { fill: #ff6b6b; } .ours { fill: #f0a030; } .theirs { fill: #5d677a; } }
</style>
<text class="title" x="10" y="24">${escaped(`${title}: ${unit}`)}</text>
${bars.join('\n')}
</svg>
`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

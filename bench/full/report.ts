import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { styleText } from 'node:util'
import { type Figure, table } from '../figure.ts'
import type { Machine } from './machine.ts'
import { barChart } from './plot.ts'
import type { Column, Options, Row, Section } from './section.ts'

export interface Report {
  machine: Machine
  options: Options
  minutes: number
  sections: Section[]
}

/** The whole report for a terminal: ratios first. */
export function asText({ sections }: Report): string {
  const details = sections.map(({ title, columns, rows }) => {
    const widest = Math.max(...rows.map(row => row.name.length))
    const lines = rows.map(row => {
      const cells = columns.map(column => `${cell(row, column)} ${column.title}`).join(', ')
      const line = `  ${row.name.padEnd(widest)}   ${row.failed === null ? cells : `FAILED: ${row.failed}`}`
      return row.failed === null ? line : styleText('red', line)
    })
    return [title, ...lines].join('\n')
  })
  return [table(sections.flatMap(({ figures }) => figures)), ...details].join('\n\n')
}

/**
 * Writes `<name>.json`, `<name>.md` and the charts in a folder of that name.
 * @returns the Markdown file
 */
export function writeReport(report: Report, folder: string, name: string): string {
  const charts = join(folder, name)
  rmSync(charts, { recursive: true, force: true })
  mkdirSync(charts, { recursive: true })
  const plotted = new Map<Section, { file: string; unit: string }[]>()
  for (const [at, section] of report.sections.entries()) {
    plotted.set(
      section,
      section.columns
        .filter(column => column.plotted)
        .map(column => {
          const file = `${String(at + 1).padStart(2, '0')}-${column.key}.svg`
          writeFileSync(join(charts, file), barChart(section, column))
          return { file: `${name}/${file}`, unit: column.title }
        }),
    )
  }
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(report, null, 2)}\n`)
  const markdown = join(folder, `${name}.md`)
  writeFileSync(markdown, asMarkdown(report, plotted))
  return markdown
}

function asMarkdown(
  { machine, options, minutes, sections }: Report,
  plotted: Map<Section, { file: string; unit: string }[]>,
): string {
  const figures = sections.flatMap(section => section.figures)
  return [
    `# Measured on ${machine.at.slice(0, 10)}`,
    '',
    `Written by \`npm run bench:full\` in ${minutes.toFixed(0)} minutes; ${options.rounds} rounds of ${options.seconds} s for each comparison, all in turn; medians, and of ratios the median of the rounds' ratios.`,
    '',
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB, Linux ${machine.kernel}, Node ${machine.node}; ${machine.pinned}. Commit ${machine.commit}.`,
    '',
    '## Ratios',
    '',
    '| what | measured | target | | |',
    '|---|---|---|---|---|',
    ...figures.map(
      figure =>
        `| ${figure.what} | **${number(figure)}** ${figure.unit} | ${figure.target} | ${verdict(figure)} | ${figure.detail} |`,
    ),
    '',
    ...sections.flatMap(section => [
      `## ${section.title}`,
      '',
      section.method,
      '',
      ...(plotted.get(section) ?? []).flatMap(({ file, unit }) => [`![${section.title}: ${unit}](${file})`, '']),
      ...(section.rows.length === 0
        ? []
        : [
            `| | ${section.columns.map(column => column.title).join(' | ')} | |`,
            `|---|${section.columns.map(() => '--:|').join('')}---|`,
          ]),
      ...section.rows.map(row =>
        row.failed === null
          ? `| ${row.name} | ${section.columns.map(column => cell(row, column)).join(' | ')} | ${row.note} |`
          : `| 🔴 ${row.name} | ${section.columns.map(() => '').join(' | ')} | failed: ${row.failed.replaceAll('|', '\\|')} |`,
      ),
      '',
    ]),
    '## Versions',
    '',
    Object.entries(machine.versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', '),
    '',
  ].join('\n')
}

function cell({ values }: Row, { key, digits }: Column): string {
  return values[key]?.toFixed(digits) ?? ''
}

function number({ measured }: Figure): string {
  if (!Number.isFinite(measured)) return 'not measured'
  return measured < 10 ? measured.toFixed(2) : String(Math.round(measured))
}

function verdict({ target, met }: Figure): string {
  return target === 'reported' ? '' : met ? 'met' : '**missed**'
}

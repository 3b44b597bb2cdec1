// `npm run dashboard` writes deploy/grafana/porchlight.json, for Grafana 10 and later. A structure test asks that nothing
// would change.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DISPLAY_NAME, NAME } from '../../server/contract/name.ts'
import { type Panel, ROWS } from './panels.ts'

const DATASOURCE = { type: 'prometheus', uid: '${datasource}' }
/** Of the grid of Grafana, which has 24 columns. */
const COLUMNS = 24
const SIZES = { figure: { w: 4, h: 4 }, graph: { w: 12, h: 8 } }

const UNITS: Partial<Record<Panel['unit'], object>> = {
  bool_yes_no: { min: 0, max: 1 },
  percentunit: { min: 0 },
}

/** The dashboard as the text of its file. */
export function makeDashboard(): string {
  const panels: object[] = []
  let y = 0
  for (const { title, panels: inRow } of ROWS) {
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title,
      collapsed: false,
      gridPos: { x: 0, y, w: COLUMNS, h: 1 },
      panels: [],
    })
    y += 1
    let x = 0
    let height = 0
    for (const panel of inRow) {
      const { w, h } = SIZES[panel.kind ?? 'graph']
      if (x + w > COLUMNS) {
        x = 0
        y += height
      }
      panels.push(drawn(panel, panels.length + 1, { x, y, w, h }))
      x += w
      height = h
    }
    y += height
  }
  const dashboard = {
    uid: NAME,
    title: DISPLAY_NAME,
    description: `Made by \`npm run dashboard\` from the metrics of ${DISPLAY_NAME}.`,
    tags: [NAME],
    schemaVersion: 39,
    editable: true,
    graphTooltip: 1,
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    templating: { list: VARIABLES },
    panels,
  }
  return `${JSON.stringify(dashboard, null, 2)}\n`
}

const VARIABLES = [
  { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' },
  {
    name: 'instance',
    label: 'Server',
    type: 'query',
    datasource: DATASOURCE,
    query: { query: `label_values(${NAME}_build_info, instance)`, refId: 'instance' },
    definition: `label_values(${NAME}_build_info, instance)`,
    refresh: 2,
    multi: true,
    includeAll: true,
    allValue: '.*',
    current: { selected: true, text: ['All'], value: ['$__all'] },
  },
]

function drawn(panel: Panel, id: number, gridPos: object): object {
  const { title, about, unit, kind = 'graph', queries } = panel
  return {
    id,
    type: kind === 'figure' ? 'stat' : 'timeseries',
    title,
    description: about,
    datasource: DATASOURCE,
    gridPos,
    fieldConfig: { defaults: { unit, ...UNITS[unit], ...thresholdsOf(panel) }, overrides: [] },
    options: kind === 'figure' ? figureOptions(queries) : GRAPH_OPTIONS,
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode(65 + index),
      datasource: DATASOURCE,
      expr,
      legendFormat: legend,
      ...(kind === 'figure' && { instant: true }),
    })),
  }
}

const GRAPH_OPTIONS = {
  legend: { displayMode: 'list', placement: 'bottom', showLegend: true },
  tooltip: { mode: 'multi', sort: 'desc' },
}

/** The name of a series is shown only where there may be several, such as versions. */
function figureOptions(queries: Panel['queries']): object {
  const isNamed = queries.some(({ legend }) => legend.includes('{{'))
  return {
    reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
    colorMode: 'value',
    graphMode: 'none',
    textMode: isNamed ? 'name' : 'value',
  }
}

function thresholdsOf({ thresholds }: Panel): object {
  if (thresholds === undefined) return {}
  const steps =
    'below' in thresholds
      ? [
          { color: 'red', value: null },
          { color: 'green', value: thresholds.below },
        ]
      : [
          { color: 'green', value: null },
          { color: 'yellow', value: thresholds[0] },
          { color: 'red', value: thresholds[1] },
        ]
  return { color: { mode: 'thresholds' }, thresholds: { mode: 'absolute', steps } }
}

export const DASHBOARD_FILE = join(import.meta.dirname, 'porchlight.json')

if (import.meta.main) writeFileSync(DASHBOARD_FILE, makeDashboard())

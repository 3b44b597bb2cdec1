import { NAME } from '../../../server/contract/name.ts'
import { createMetrics } from '../../../server/ops/metrics.ts'

/** prom-client's own, which depend on the platform. */
const OF_PROCESS = new RegExp(`^${NAME}_(?:process|nodejs)_`)

/** Every metric of ours, in the order of its kind and name. */
export function metricLists(): string {
  const ours = createMetrics()
    .list()
    .filter(({ name }) => !OF_PROCESS.test(name))
    .sort((a, b) => a.name.localeCompare(b.name))
  const list = (title: string, type: string) => {
    const lines = ours
      .filter(metric => metric.type === type)
      .map(({ name, help, labels }) => `- \`${name}${labels.length === 0 ? '' : `{${labels.join(', ')}}`}\`: ${help}`)
    return [`## ${title}`, '', ...lines].join('\n')
  }
  return [list('Counters', 'counter'), list('Histograms, in seconds', 'histogram'), list('Gauges', 'gauge')].join(
    '\n\n',
  )
}

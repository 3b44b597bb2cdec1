import { ENDS } from './ends.ts'
import { SERVICE } from './service.ts'
import type { Scenario } from './story.ts'
import { THEFT } from './theft.ts'
import { TRACES } from './traces.ts'

export const SCENARIOS: Scenario[] = [...TRACES, ...THEFT, ...SERVICE, ...ENDS]

import { ENDS } from './ends.testing.ts'
import { SERVICE } from './service.testing.ts'
import type { Scenario } from './story.testing.ts'
import { THEFT } from './theft.testing.ts'
import { TRACES } from './traces.testing.ts'

export const SCENARIOS: Scenario[] = [...TRACES, ...THEFT, ...SERVICE, ...ENDS]

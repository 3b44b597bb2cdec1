import { suites } from './vitest.config.ts'

export default suites(true)

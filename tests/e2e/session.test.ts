import { sessionSuite } from '../support/session-suite.ts'

sessionSuite('https')

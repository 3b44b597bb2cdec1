import { firefox, launchFirefox } from '../support/browsers/firefox.ts'
import { journeys, serverAt } from '../support/browsers/journeys.ts'

journeys('Firefox', firefox, async () => ({ server: await serverAt(), browser: await launchFirefox() }))

import { firefox, launchFirefox } from './support/firefox.ts'
import { journeys, serverAt } from './support/journeys.ts'

journeys('Firefox', firefox, async () => ({ server: await serverAt(), browser: await launchFirefox() }))

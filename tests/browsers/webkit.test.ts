import { afterAll } from 'vitest'
import { type Eavesdropper, startEavesdropper } from '../support/browsers/eavesdrop.ts'
import { journeys, serverAt } from '../support/browsers/journeys.ts'
import { launchWebkit, webkit } from '../support/browsers/webkit.ts'

let eavesdropper: Eavesdropper | undefined
afterAll(() => eavesdropper?.close())

journeys('WebKit', webkit, async () => {
  eavesdropper = await startEavesdropper()
  const server = await serverAt(`http://localhost:${eavesdropper.port}`)
  eavesdropper.passTo(server.port)
  return { server, browser: await launchWebkit(eavesdropper.heard) }
})

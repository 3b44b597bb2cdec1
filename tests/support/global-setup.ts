import { ensureSiteBuilt } from '../../site-build/build-site.ts'
import { unpackChromium } from './chromium.ts'

/** Before the first file: builds the site and unpacks the browser. Does nothing where both are there already. */
export default async function setup(): Promise<void> {
  await Promise.all([ensureSiteBuilt(line => process.stdout.write(`${line}\n`)), unpackChromium()])
}

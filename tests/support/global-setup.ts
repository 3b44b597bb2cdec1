import { ensureSiteBuilt } from '../../web/build.ts'

/** Builds the site once, before the first server of the first file starts; does nothing when it is built already. */
export default async function setup(): Promise<void> {
  await ensureSiteBuilt(line => process.stdout.write(`${line}\n`))
}

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ApiDescription } from './api-description.ts'

/** Written when the package is built, which is therefore without what converts the schemas. */
const BUILT = join(import.meta.dirname, 'openapi.json')

/** The description of every call. From a clone it is made from the schemas. */
export async function loadDescription(): Promise<ApiDescription> {
  if (existsSync(BUILT)) return JSON.parse(readFileSync(BUILT, 'utf8')) as ApiDescription
  return (await import('./describe-api.ts')).describeApi()
}

import { MINUTE } from '../../base/clock.ts'
import type { ApiDescription } from '../openapi/api-description.ts'
import { cacheableText } from '../response/cacheable-json.ts'
import { methodNotAllowed } from '../response/problem-reply.ts'
import type { Step } from './pipeline.ts'

const DESCRIPTION_PATH = '/auth/openapi.json'
/** Short, because an upgrade changes it. */
const FORM = { contentType: 'application/json', maxAgeMs: 5 * MINUTE }

/** `GET /auth/openapi.json`: describes the calls to anybody, without reading a cookie. */
export function serveDescription(describe: () => Promise<ApiDescription>): Step {
  let text: Promise<string> | null = null
  return ctx => {
    if (ctx.path !== DESCRIPTION_PATH) return undefined
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') return methodNotAllowed(ctx, ['GET', 'HEAD'])
    text ??= describe().then(document => JSON.stringify(document))
    return text.then(body => cacheableText(ctx, FORM, body))
  }
}

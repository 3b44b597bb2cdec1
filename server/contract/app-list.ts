import * as v from 'valibot'

/** One upstream that the signed-in account may use. */
export const WireApp = v.object({
  name: v.string(),
  title: v.string(),
  description: v.string(),
  icon: v.pipe(v.nullable(v.string()), v.description('The name of an icon, or null.')),
  href: v.pipe(v.nullable(v.string()), v.description('The page to open; null for an API, which has none.')),
  prefix: v.pipe(v.string(), v.description('The path prefix of its calls')),
  reachable: v.pipe(v.boolean(), v.description('Whether it accepts connections now.')),
})
export type WireApp = v.InferOutput<typeof WireApp>

/** `GET /auth/apps` */
export const AppsAnswer = v.object({ apps: v.array(WireApp) })
export type AppsAnswer = v.InferOutput<typeof AppsAnswer>

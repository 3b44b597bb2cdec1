import { Hono } from 'hono'
import type { Upstream } from '../../config/upstream-config.ts'
import type { AppsAnswer } from '../../contract/app-list.ts'
import type { WireUser } from '../../contract/wire.ts'
import type { Env } from '../request/hono-env.ts'
import { signedIn } from './require-caller.ts'
import type { AuthDeps } from './auth-deps.ts'

/** The upstreams that the caller may use. */
export function appsRoutes({ upstreams, reachable }: AuthDeps): Hono<Env> {
  return new Hono<Env>().get('/apps', async c => {
    const { user } = signedIn(c)
    const allowed = upstreams.filter(upstream => mayUse(upstream, user))
    return c.json<AppsAnswer>({
      apps: await Promise.all(
        allowed.map(async upstream => ({
          name: upstream.name,
          title: upstream.title,
          description: upstream.description,
          icon: upstream.icon,
          href: upstream.page,
          prefix: upstream.prefix,
          reachable: await reachable(upstream),
        })),
      ),
    })
  })
}

function mayUse({ requires }: Upstream, user: WireUser): boolean {
  return requires.roles.length === 0 || requires.roles.some(role => user.roles.includes(role))
}

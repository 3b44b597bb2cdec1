import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { Hono, type MiddlewareHandler } from 'hono'
import type { MaybePromise } from '../base/maybe-promise.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Meter } from '../base/meter.ts'
import { Problem } from '../base/problem.ts'
import type { Config } from '../config/types.ts'
import { DEMO_PAGES } from '../contract/demo/pages.ts'
import type { KeptForm } from '../contract/site-context.ts'
import type { AccountUser } from '../accounts/account.ts'
import { adoptResponse, type PorchlightResponse, porchlightResponse } from '../http/response/server-response.ts'
import { answerBackchannel, type BackchannelLogout } from '../http/steps/backchannel-logout.ts'
import { familyBesideApp, familyOf } from '../http/request/path-family.ts'
import { contextFactory } from '../http/request/context-factory.ts'
import { trustedProxies } from '../config/trusted-proxies.ts'
import { networkOf } from '../http/request/client-address.ts'
import { serveDescription } from '../http/steps/serve-description.ts'
import { serveClientScript } from '../http/steps/serve-client-script.ts'
import type { ApiDescription } from '../http/openapi/api-description.ts'
import type { Env } from '../http/request/hono-env.ts'
import type { DevBridge } from '../http/site/dev-bridge.ts'
import type { RequestContext } from '../http/request/request-context.ts'
import { frontCheckSteps } from '../http/steps/front-check-steps.ts'
import type { FrontEnd } from '../http/site/front-end.ts'
import { requireEnrolment } from '../http/steps/require-enrolment.ts'
import { requireHost } from '../http/steps/require-host.ts'
import { httpServer } from '../http/server/http-server.ts'
import { authenticate } from '../http/steps/authenticate.ts'
import { answerJwks } from '../http/steps/serve-jwks.ts'
import { answerMetadata } from '../http/steps/serve-metadata.ts'
import { passkeyWellKnown } from '../http/steps/passkey-well-known.ts'
import { limitWrites, type WriteRate } from '../http/steps/limit-writes.ts'
import { limitBody } from '../http/steps/limit-body.ts'
import { leadToSignIn } from '../http/steps/lead-to-sign-in.ts'
import { limitHeaders } from '../http/steps/limit-headers.ts'
import { requestListener } from '../http/server/request-listener.ts'
import { requestSpans } from '../http/server/request-spans.ts'
import { allowMethods } from '../http/steps/allow-methods.ts'
import { notFound } from '../http/routes/not-found.ts'
import { guardPath } from '../http/steps/path-guard.ts'
import { asProblem, problemReply } from '../http/response/problem-reply.ts'
import { relayRequests, internalRelay } from '../http/server/relay-handlers.ts'
import { toResponse } from '../http/response/reply.ts'
import type { ReturnPaths } from '../http/request/return-paths.ts'
import { requestIds } from '../http/request/request-id.ts'
import { requestLog } from '../http/request/request-log.ts'
import { toOriginForm } from '../http/request/request-target.ts'
import { requireSameOrigin } from '../http/steps/same-origin.ts'
import { policyOf } from '../http/response/page-policy.ts'
import { APP_POLICY, inDevelopment, PAGE_POLICY, securityHeaders } from '../http/response/security-headers.ts'
import { presentBrand } from '../http/brand/present-brand.ts'
import { serveBrand } from '../http/steps/serve-brand.ts'
import { hidingFromSite, siteMount, type SiteListener } from '../http/site/site-handler.ts'
import { upgradeListener, type UpgradeListener } from '../http/server/upgrade-listener.ts'
import { staticFrontEnd } from '../http/site/static-front-end.ts'
import { orFrontEnd } from '../http/site/upstream-front-end.ts'
import { answerSession } from '../http/steps/serve-session.ts'
import { serveStatic, type StaticSite } from '../http/steps/serve-static.ts'
import type { Step } from '../http/steps/pipeline.ts'
import { internalFetch } from '../http/server/internal-fetch.ts'
import { answerSecurityTxt, answerWithoutCookies, type Readiness } from '../http/steps/without-cookies.ts'
import type { Signing } from '../keys/signing.ts'
import type { FrontCheck } from '../ops/front-check.ts'
import type { Tracer } from '../ops/tracing/tracer.ts'
import type { Relay } from '../relay/relay.ts'
import type { Sessions } from '../session/types.ts'

export interface AppDeps {
  config: Pick<
    Config,
    | 'publicUrl'
    | 'secureCookies'
    | 'trustedProxies'
    | 'proxyProtocol'
    | 'jwksMaxAgeMs'
    | 'securityContact'
    | 'relatedOrigins'
    | 'demo'
    | 'brand'
    | 'traces'
    | 'secondFactor'
  >
  clock: Clock
  log: Log
  meter: Meter
  /** Makes spans of requests; null: nothing is traced. */
  tracer: Tracer | null
  sessions: Pick<Sessions, 'resolve' | 'cookiesFor' | 'clearing'>
  relay: Relay
  findUser: (userId: string) => MaybePromise<AccountUser | null>
  openForm: (sealed: string) => Promise<KeptForm | null>
  readiness: Readiness
  signing: Pick<Signing, 'published'>
  draining: () => boolean
  /** Records the doctor's requests through the public URL. */
  frontCheck: FrontCheck
  /** Limits the writes of one account. */
  writeRate: WriteRate
  /** Handles a provider's report that someone signed out there. */
  backchannelLogout: BackchannelLogout
  /** All routes below /auth. */
  authRoutes: Hono<Env>
  /** Describes them and the other calls. Asked once, when somebody wants to know. */
  describeCalls: () => Promise<ApiDescription>
  /** Whose pages are served. Ours are rendered in any case, because signing in stays here. */
  frontEnd: FrontEnd
  /** Whether passkeys work at the public URL and with these accounts. */
  passkeysOffered: boolean
  /** Where a sign-in may return to. */
  returnPaths: ReturnPaths
  /** The script for other front ends. */
  clientScript: () => Promise<string>
  site: {
    listener: () => Promise<SiteListener>
    /** null: in development. */
    built: StaticSite | null
    development: DevBridge | null
  }
}

export interface App {
  /** Creates an HTTP server with our limits: one for each address to listen on. */
  createServer(): Server
  /** Handles a request of somebody else's server. */
  handle(incoming: IncomingMessage, outgoing: ServerResponse): void
  /** Handles an upgrade of any server. */
  upgrade: UpgradeListener
}

/** Builds the application. This file is the order of everything that happens to a request. */
export function createApp(deps: AppDeps): App {
  const {
    config,
    clock,
    log,
    meter,
    tracer,
    sessions,
    relay,
    findUser,
    openForm,
    readiness,
    draining,
    authRoutes,
    frontEnd,
    returnPaths,
    site,
  } = deps
  const { publicUrl, secureCookies } = config
  const isTrusted = trustedProxies(config.trustedProxies)
  const security = securityHeaders(publicUrl, frontEnd.headers)
  const { page: brand, files: brandFiles } = presentBrand(config.brand, frontEnd.kind === 'own')

  const demoPages = config.demo ? DEMO_PAGES : []
  const match = orFrontEnd(relay.match, frontEnd, demoPages)
  const front = staticFrontEnd(frontEnd, demoPages)
  const app = frontEnd.kind === 'app' ? frontEnd : null
  const serverRoutes = app !== null || (frontEnd.kind === 'own' && frontEnd.serverRoutes)
  const development = app?.development ?? site.development
  const identifyCaller = authenticate({ sessions, findUser, secureCookies })

  const doctor = frontCheckSteps(deps.frontCheck, isTrusted)

  // ---- What every request goes through, in order. A step lets it pass, answers it, or throws a Problem.
  const steps: Step[] = [
    limitHeaders,
    doctor.note,
    requireHost(publicUrl),
    guardPath,
    allowMethods,
    doctor.answer,
    answerWithoutCookies({
      readiness,
      jwks: answerJwks({ clock, signing: deps.signing, jwksMaxAgeMs: config.jwksMaxAgeMs }),
      metadata: answerMetadata({ clock, signing: deps.signing, ...config }),
      securityTxt: answerSecurityTxt(deps),
      passkeys: passkeyWellKnown(config, deps.passkeysOffered),
    }),
    answerBackchannel(deps.backchannelLogout),
    serveDescription(deps.describeCalls),
    serveClientScript(deps.clientScript),
    front.files,
    serveBrand(brandFiles),
    serveStatic(site.built, frontEnd.kind === 'own'),
    requireSameOrigin(publicUrl),
    // In development an application's bodies are streamed on to its worker, unread.
    ctx => (ctx.family === 'app' && app?.development ? undefined : limitBody(ctx)),
    development?.authenticateOr(identifyCaller) ?? identifyCaller,
    limitWrites(deps.writeRate),
    answerSession,
    requireEnrolment({ policy: config.secondFactor, returnPaths }),
    leadToSignIn({ clock, publicUrl, returnPaths }),
    front.pages,
  ]

  // ---- Then the families. What no route takes is refused.
  const hono = new Hono<Env>()
  hono.use('/auth/*', exposeContext)
  hono.route('/auth', authRoutes)
  hono.notFound(
    notFound(
      (method, path) => hono.router.match(method, path)[0].find(([[, taken]]) => taken.method === method)?.[0][1].path,
    ),
  )
  hono.onError((error, c) => toResponse(problemReply(c.env.ctx, asProblem(error, c.env.ctx, log))))

  const route = (request: Request, ctx: RequestContext) => hono.fetch(request, { ctx })
  const spans =
    tracer &&
    requestSpans({
      tracer,
      continues: config.traces?.continues ?? false,
      isTrusted,
      publicUrl,
      patternOf: (method, path) =>
        hono.router.match(method, path)[0].findLast(([[, taken]]) => taken.method === method)?.[0][1].path ?? null,
    })
  const relayInternally = internalRelay(relay)
  const contexts = contextFactory({
    clock,
    requestId: requestIds(isTrusted),
    toOriginForm: toOriginForm(publicUrl),
    network: networkOf(isTrusted, log),
    match,
    brand,
    familyOf: app === null ? familyOf : familyBesideApp(demoPages),
  })
  const fetchInternally = internalFetch({
    log,
    publicUrl,
    contexts,
    steps,
    route: (request, ctx) => (ctx.match === null ? route(request, ctx) : relayInternally(ctx, ctx.match, request)),
    spans,
  })
  const common = {
    log,
    internalFetch: fetchInternally,
    openForm,
    returnPaths,
    secureCookies,
    ownPages: frontEnd.kind === 'own',
    demo: config.demo,
    brand,
    answered: ['/auth', ...relay.prefixes, ...(serverRoutes ? [] : ['/api'])],
  }
  const renderSite = siteMount({
    ...common,
    ...site,
    isSite: frontEnd.kind === 'own',
    sharedNonce: null,
    policy: policyOf(
      site.development === null ? PAGE_POLICY : inDevelopment(PAGE_POLICY),
      frontEnd.kind === 'own' ? frontEnd.policy : null,
      true,
    ),
  })
  const renderApp =
    app &&
    siteMount({
      ...common,
      ...app,
      isSite: true,
      policy: policyOf(app.development === null ? APP_POLICY : inDevelopment(APP_POLICY), app.policy),
    })
  const toHono = getRequestListener(
    (request, { outgoing }) => route(request, (outgoing as PorchlightResponse).ctx as RequestContext),
    { hostname: new URL(publicUrl).hostname, overrideGlobalObjects: true },
  )

  const pass = relayRequests(relay, frontEnd)
  const logged = requestLog({ log, meter, clock })
  const done: typeof logged =
    spans === null
      ? logged
      : (ctx, status, whole) => {
          logged(ctx, status, whole)
          spans.end(ctx, status, whole)
        }
  const requests = { log, contexts, steps, done, spans }
  const listener = requestListener({
    ...requests,
    handle: (ctx, incoming, outgoing) => {
      if (ctx.match !== null) return pass(ctx, ctx.match, incoming, outgoing)
      if (renderApp !== null && ctx.family === 'app') return renderApp(ctx, incoming, outgoing)
      return isRouted(ctx, serverRoutes) ? toHono(incoming, outgoing) : renderSite(ctx, incoming, outgoing)
    },
  })
  const upgrade = upgradeListener({
    ...requests,
    security,
    relay,
    check: doctor.socket,
    app: app === null || app.upgrade === null ? null : hidingFromSite(app.upgrade),
    development: development !== null,
  })

  const ServerResponse = porchlightResponse({ log, sessions, security, draining })
  const proxyProtocol = { isRead: config.proxyProtocol, isTrusted, note: deps.frontCheck.noteProxyProtocol }
  return {
    createServer: () => httpServer({ log, security, brand, listener, upgrade, ServerResponse, proxyProtocol }),
    handle: (incoming, outgoing) => {
      // A middleware has begun the response, and has to finish it.
      if (!outgoing.headersSent) listener(incoming, adoptResponse(outgoing, ServerResponse))
    },
    upgrade,
  }
}

/** Whether Hono's routes handle the request; everything else that got this far is the site's. */
function isRouted({ family }: RequestContext, serverRoutes: boolean): boolean {
  return family === 'auth' || (family === 'api' && !serverRoutes)
}

/** Exposes the request's context to routes under Hono's names. */
const exposeContext: MiddlewareHandler<Env> = (c, next) => {
  const { ctx } = c.env
  if (ctx.caller === null) throw new Problem('internal', {}, new Error('a route was reached without authentication'))
  c.set('requestId', ctx.id)
  c.set('caller', ctx.caller)
  c.set('answer', ctx.answer)
  return next()
}

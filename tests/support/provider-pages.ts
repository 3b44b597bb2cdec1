import type { IncomingMessage, ServerResponse } from 'node:http'
import type Provider from 'oidc-provider'

/**
 * Somebody with an account at the provider. `claims` is what it says of them; `sub` is their login unless said
 * otherwise.
 */
export interface ProviderPerson {
  login: string
  password: string
  claims?: Record<string, unknown>
}

/** The provider's own pages, as plain as can be: a sign-in, and a consent that is always given. */
export async function answerInteraction(
  provider: Provider,
  people: readonly ProviderPerson[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { uid, prompt, params, grantId, session } = await provider.interactionDetails(request, response)
  if (prompt.name === 'consent') {
    const grant =
      (grantId === undefined ? undefined : await provider.Grant.find(grantId)) ??
      new provider.Grant({ accountId: session?.accountId, clientId: String(params.client_id) })
    grant.addOIDCScope(String(params.scope))
    return provider.interactionFinished(
      request,
      response,
      { consent: { grantId: await grant.save() } },
      { mergeWithLastSubmission: true },
    )
  }
  if (request.method !== 'POST') return page(response, loginForm(uid))
  const fields = new URLSearchParams(await textOf(request))
  if (fields.has('cancel'))
    return provider.interactionFinished(
      request,
      response,
      { error: 'access_denied', error_description: 'The person said no' },
      { mergeWithLastSubmission: false },
    )
  const person = people.find(
    ({ login, password }) => login === fields.get('login') && password === fields.get('password'),
  )
  if (!person) return page(response, loginForm(uid, 'No such person, or another password.'))
  return provider.interactionFinished(
    request,
    response,
    { login: { accountId: person.login, amr: ['pwd'] } },
    { mergeWithLastSubmission: false },
  )
}

const loginForm = (uid: string, message = '') => `<h1>Sign in at the test provider</h1><p>${message}</p>
<form method="post" action="/interaction/${uid}">
<label>Login <input name="login" autofocus></label>
<label>Password <input name="password" type="password"></label>
<button type="submit" name="go">Sign in</button>
<button type="submit" name="cancel" value="yes">Cancel</button>
</form>`

/** Asked before a sign-out that another site began. `form` is oidc-provider's, with its hidden field. */
export const logoutPage = (form: string) =>
  document(`<h1>Sign out at the test provider?</h1>${form}
<button type="submit" form="op.logoutForm" name="logout" value="yes">Sign out</button>`)

export const signedOutPage = () => document('<h1>Signed out at the test provider</h1>')

export const errorPage = (error: object) =>
  document(`<h1>The test provider refuses</h1><pre>${escape(JSON.stringify(error, null, 1))}</pre>`)

function page(response: ServerResponse, body: string): void {
  response
    .writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' })
    .end(document(body))
}

const document = (body: string) =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>Test provider</title>${body}</html>`

const escape = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

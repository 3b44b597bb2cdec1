import * as v from 'valibot'
import { LinksAnswer, EmptyAnswer, ProviderLoginAnswer } from '../wire.ts'
import { type Calls, json, seeOther } from './call.ts'
import { PROVIDER_CALL } from './problem-groups.ts'

const PROVIDER = { provider: 'The id of a provider, as `GET /auth/methods` lists it.' }
const NAVIGATION = 'A link that a person follows: prefetches, scripts and frames get 400. '
const flag = v.optional(v.picklist(['1']))

export const PROVIDER_CALLS = {
  'GET /auth/login/:method': {
    tag: 'Providers',
    id: 'goToProvider',
    summary: 'Go to a provider to sign in',
    about: `${NAVIGATION}Problems lead back to \`/sign-in\`, which explains them.`,
    caller: 'anyone',
    path: { method: 'The id of a provider, as `GET /auth/methods` lists it.' },
    query: v.object({
      returnTo: v.pipe(v.optional(v.string()), v.description('A path of this site to go to in the end')),
      remember: v.pipe(flag, v.description('The session outlives the browser.')),
      reauthenticate: v.pipe(flag, v.description('Also if somebody is signed in: to confirm who it is')),
    }),
    answers: { 303: seeOther('To the provider, or to the page that comes next.', ['Set-Cookie']) },
  },
  'GET /auth/callback/:provider': {
    tag: 'Providers',
    id: 'returnFromProvider',
    summary: 'Return from a provider',
    about: 'The redirect URI to register at the provider. Any query is taken; what a provider must send, it must send.',
    caller: 'anyone',
    path: PROVIDER,
    query: v.object({
      code: v.optional(v.string()),
      state: v.optional(v.string()),
      iss: v.pipe(v.optional(v.string()), v.description('RFC 9207')),
      error: v.optional(v.string()),
    }),
    answers: { 303: seeOther('On, or to `/sign-in`, which explains the problem.', ['Set-Cookie']) },
  },
  'GET /auth/logout/:provider': {
    tag: 'Providers',
    id: 'signOutAtProvider',
    summary: 'Continue a sign-out at the provider, and return from it',
    about: `${NAVIGATION}The post-logout redirect URI to register at the provider.`,
    caller: 'anyone',
    path: PROVIDER,
    query: v.object({
      state: v.pipe(v.optional(v.string()), v.description('Sent by the provider on the way back')),
    }),
    answers: { 303: seeOther('To the provider, or to `/signed-out`.', ['Set-Cookie']) },
  },
  'POST /auth/backchannel/:provider': {
    tag: 'Providers',
    id: 'receiveLogoutToken',
    summary: 'Receive word of a sign-out at a provider',
    about: 'OpenID Connect Back-Channel Logout 1.0. The signed token is the proof; no cookie is read.',
    caller: 'server',
    path: PROVIDER,
    form: v.object({ logout_token: v.string() }),
    answers: { 200: { about: 'What the token names has ended, or had ended before.' } },
    problems: ['provider_unavailable', 'provider_misconfigured', 'store_unavailable'],
  },
  'GET /auth/links': {
    tag: 'Providers',
    id: 'listLinks',
    summary: 'List the accounts at providers that can sign me in',
    caller: 'user',
    answers: { 200: json(LinksAnswer, 'The linked accounts.') },
  },
  'POST /auth/links/:id': {
    tag: 'Providers',
    id: 'beginLink',
    summary: 'Begin to link an account at a provider',
    about: 'Needs a recent sign-in. Can only be finished in the session that began it.',
    caller: 'user',
    path: { id: 'The id of a provider, as `GET /auth/methods` lists it.' },
    answers: { 200: json(ProviderLoginAnswer, 'Where the browser goes next.', ['Set-Cookie']) },
    problems: ['reauthentication_required', ...PROVIDER_CALL],
  },
  'DELETE /auth/links/:id': {
    tag: 'Providers',
    id: 'unlink',
    summary: 'Unlink an account at a provider',
    about: 'Needs a recent sign-in.',
    caller: 'user',
    path: { id: 'The id of the link' },
    answers: { 200: json(EmptyAnswer) },
    problems: ['reauthentication_required', 'last_way_in'],
  },
} satisfies Calls

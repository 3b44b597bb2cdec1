import * as v from 'valibot'
import {
  ChangePersonRequest,
  EmptyAnswer,
  EndedAnswer,
  InviteAnswer,
  InviteRequest,
  InvitesAnswer,
  PeopleAnswer,
  ResetLinkAnswer,
  WirePerson,
} from '../wire.ts'
import { type Calls, json } from './call.ts'

const query = v.object({
  cursor: v.pipe(v.optional(v.pipe(v.string(), v.regex(/^[\w-]{1,64}$/))), v.description('`next` of the page before')),
})
const PERSON = { id: 'The id of an account' }

export const PEOPLE_CALLS = {
  'GET /auth/people': {
    tag: 'People',
    id: 'listPeople',
    summary: 'List the accounts',
    caller: 'administrator',
    query,
    answers: { 200: json(PeopleAnswer, 'A page of accounts.') },
  },
  'PATCH /auth/people/:id': {
    tag: 'People',
    id: 'changePerson',
    summary: "Change an account's roles, or disable it",
    about: 'Giving power needs a recent sign-in; taking it does not, since that may be urgent.',
    caller: 'administrator',
    path: PERSON,
    body: ChangePersonRequest,
    answers: { 200: json(WirePerson, 'Changed.') },
    problems: ['reauthentication_required', 'last_admin'],
  },
  'DELETE /auth/people/:id/sessions': {
    tag: 'People',
    id: 'endSessionsOfPerson',
    summary: 'Sign somebody out everywhere',
    about: 'On yourself: everywhere else.',
    caller: 'administrator',
    path: PERSON,
    answers: { 200: json(EndedAnswer, 'How many sessions have ended.') },
  },
  'POST /auth/people/:id/reset': {
    tag: 'People',
    id: 'createResetLink',
    summary: 'Make a one-time link for a new password',
    about: 'Needs a recent sign-in. The link is only shown in this answer.',
    caller: 'administrator',
    path: PERSON,
    answers: { 200: json(ResetLinkAnswer, 'The link.') },
    problems: ['reauthentication_required', 'account_disabled', 'limit_reached'],
  },
  'POST /auth/people/:id/factors/reset': {
    tag: 'People',
    id: 'resetFactors',
    summary: 'Remove the second factors of somebody who has lost them',
    about:
      'Needs a recent sign-in. The person is told by mail, and still needs their password: it opens nothing to the administrator. Not for oneself.',
    caller: 'administrator',
    path: PERSON,
    answers: { 200: json(EmptyAnswer) },
    problems: ['reauthentication_required'],
  },
  'GET /auth/invites': {
    tag: 'People',
    id: 'listInvites',
    summary: 'List the open invitations',
    caller: 'administrator',
    query,
    answers: { 200: json(InvitesAnswer, 'A page of invitations.') },
  },
  'POST /auth/invites': {
    tag: 'People',
    id: 'createInvite',
    summary: 'Invite somebody',
    about: 'To invite an administrator needs a recent sign-in. The link is only shown in this answer.',
    caller: 'administrator',
    body: InviteRequest,
    answers: { 200: json(InviteAnswer, 'The invitation and its link.') },
    problems: ['reauthentication_required', 'registration_closed', 'email_taken', 'limit_reached', 'mail_unavailable'],
  },
  'DELETE /auth/invites/:id': {
    tag: 'People',
    id: 'revokeInvite',
    summary: 'Revoke an invitation',
    caller: 'administrator',
    path: { id: 'The id of an invitation' },
    answers: { 200: json(EmptyAnswer) },
  },
} satisfies Calls

import * as v from 'valibot'

// How one call to a token API is written, and with every default filled in.

const PATH_FORM = 'a path such as /token, without query'
const MEMBER_FORM = 'the path of a member, such as access_token or data.token'
const ANSWER_FORM = `${MEMBER_FORM}, or . if the answer is nothing but the token`
const NAME_FORM = 'the name of a field; in JSON, dots lead into it, as in user.password'
const NAMES_FORM = 'fields of different names, none within another'
const WHOLE_FORM =
  "no name but . for a JSON body (as: 'json', token: 'body') that is nothing but the token, without also"
const GET_FORM = "token: 'query' or 'bearer' with the method GET, which has no body"
const OVER_FORM = 'statuses from 400 to 499 but 429, such as [401, 410]'

/** A name or path that stands for a whole body. */
export const WHOLE = '.'
const USERNAME = 'username'
const PASSWORD = 'password'
const REFRESH_TOKEN = 'refresh_token'
/** Unlike members, the names of a form may contain spaces. */
const FIELD = /^[^.]+(?:\.[^.]+)*$/
const MEMBER = /^[^.\s]+(?:\.[^.\s]+)*$/

const oneOf = <const T extends readonly string[]>(list: T) =>
  v.exactOptional(v.picklist(list, `one of ${list.join(', ')}`))
const field = v.pipe(v.string(NAME_FORM), v.maxLength(200, NAME_FORM), v.regex(FIELD, NAME_FORM))
const fieldName = v.exactOptional(field)
const tokenName = v.exactOptional(v.union([v.literal(WHOLE), field], NAME_FORM))
const also = v.exactOptional(v.record(field, v.string('text'), 'names and their values'))
const finalStatus = v.pipe(
  v.number(OVER_FORM),
  v.integer(OVER_FORM),
  v.minValue(400, OVER_FORM),
  v.maxValue(499, OVER_FORM),
  v.notValue(429, OVER_FORM),
)

/** A path below the API's address. */
export const ApiPath = v.pipe(v.string(PATH_FORM), v.regex(/^\/[^\s?#\\]*$/, PATH_FORM))
/** The path of a member of a JSON object. */
export const Member = v.exactOptional(v.pipe(v.string(MEMBER_FORM), v.regex(MEMBER, MEMBER_FORM)))

export const AnswerSetting = v.strictObject({
  accessToken: v.exactOptional(
    v.pipe(
      v.string(ANSWER_FORM),
      v.check(path => path === WHOLE || MEMBER.test(path), ANSWER_FORM),
    ),
  ),
  refreshToken: Member,
  expiresIn: Member,
})

export const LoginCallSetting = v.pipe(
  v.strictObject({
    path: v.exactOptional(ApiPath),
    method: oneOf(['POST', 'PUT']),
    as: oneOf(['form', 'json']),
    username: fieldName,
    password: fieldName,
    also,
  }),
  v.check(
    ({ username = USERNAME, password = PASSWORD, also = {} }) => areApart([username, password, ...Object.keys(also)]),
    NAMES_FORM,
  ),
)

const tokenCall = {
  path: ApiPath,
  method: oneOf(['POST', 'PUT', 'GET']),
  as: oneOf(['form', 'json']),
  token: oneOf(['body', 'query', 'bearer']),
  name: tokenName,
  also,
}
const TokenCall = v.strictObject(tokenCall)
type TokenCall = v.InferOutput<typeof TokenCall>

export const RevokeCallSetting = v.pipe(
  TokenCall,
  v.check(call => hasPlaceForToken(call), GET_FORM),
  v.check(call => isWholeOrNamed(call), WHOLE_FORM),
  v.check(call => hasDistinctFields(call), NAMES_FORM),
)
export const RefreshCallSetting = v.pipe(
  v.strictObject({
    ...tokenCall,
    answer: v.exactOptional(AnswerSetting),
    over: v.exactOptional(v.pipe(v.array(finalStatus, OVER_FORM), v.minLength(1, OVER_FORM))),
  }),
  v.check(call => hasPlaceForToken(call), GET_FORM),
  v.check(call => isWholeOrNamed(call), WHOLE_FORM),
  v.check(call => hasDistinctFields(call), NAMES_FORM),
)

/** One call to the API, without its token or password. */
interface CallTemplate {
  path: string
  method: string
  as: 'form' | 'json'
  also: Record<string, string>
}
export interface LoginCallTemplate extends CallTemplate {
  username: string
  password: string
}
/**
 * Where a refresh token goes: a body field, or the whole body if its name is `.`; a query parameter; or the header for
 * tokens.
 */
export interface TokenCallTemplate extends CallTemplate {
  token: 'body' | 'query' | 'bearer'
  name: string
}
/** Where a response has its tokens: dotted paths; `.` is the whole response, and only for the access token. */
export interface TokenAnswer {
  accessToken: string
  refreshToken: string
  expiresIn: string
}

export const DEFAULT_ANSWER: TokenAnswer = {
  accessToken: 'access_token',
  refreshToken: REFRESH_TOKEN,
  expiresIn: 'expires_in',
}

/** By default the form of RFC 6749 §4.3.2. */
export function toLoginCall({
  path = '/token',
  method = 'POST',
  as = 'form',
  username = USERNAME,
  password = PASSWORD,
  also = as === 'json' ? {} : { grant_type: 'password' },
}: v.InferOutput<typeof LoginCallSetting>): LoginCallTemplate {
  return { path, method, as, username, password, also }
}

export function toTokenCall({
  path,
  method = 'POST',
  as = 'json',
  token = 'body',
  name = REFRESH_TOKEN,
  also = {},
}: TokenCall): TokenCallTemplate {
  return { path, method, as, token, name, also }
}

function hasPlaceForToken({ method, token = 'body' }: TokenCall): boolean {
  return method !== 'GET' || token !== 'body'
}

function isWholeOrNamed({ as = 'json', token = 'body', name, also }: TokenCall): boolean {
  return name !== WHOLE || (as === 'json' && token === 'body' && also === undefined)
}

function hasDistinctFields({ token = 'body', name = REFRESH_TOKEN, also = {} }: TokenCall): boolean {
  return token !== 'body' || areApart([name, ...Object.keys(also)])
}

/** Whether no name is another, or leads into another: `user` and `user.name` could not both be fields. */
function areApart(names: readonly string[]): boolean {
  return names.every((name, at) => names.every((other, place) => at === place || !`${name}.`.startsWith(`${other}.`)))
}

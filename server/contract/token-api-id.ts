/**
 * The id that stands for the external token API wherever a provider's id is expected: in our tables, in problems, and
 * as the `provider` of an upstream that takes its tokens. No provider may use it.
 */
export const TOKEN_API = 'token-api'

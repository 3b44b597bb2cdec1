/**
 * What the API that signs people in by itself is called where a provider's id stands: in our own tables, in problems,
 * and as the `provider` of an upstream that takes its tokens. No provider may be called so.
 */
export const TOKEN_API = 'token-api'

import { TOKEN_API } from './token-api-id.ts'

/**
 * The ids of sign-in methods that are no provider, including those to come, and `options`. They name URLs below
 * /auth/login and /auth/reauthenticate, so no
 * provider may use them.
 */
export const METHOD_IDS: readonly string[] = ['password', 'passkey', 'totp', 'recovery', 'options', TOKEN_API]

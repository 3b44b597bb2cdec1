import { TOKEN_API } from './token-api-id.ts'

/**
 * The ids of sign-in methods that are no provider, including those to come. They name URLs below /auth/login, so no
 * provider may use them.
 */
export const METHOD_IDS: readonly string[] = ['password', 'passkey', 'totp', 'recovery', TOKEN_API]

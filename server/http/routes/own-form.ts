import { isForm } from './read-body.ts'
import { signedIn } from './require-caller.ts'
import { submitted } from './sign-in-reply.ts'

/**
 * A form on one of the user's own pages. Without a session, a script gets 401 before anything else, whereas a form post
 * leads back to its page, which asks to sign in.
 */
export const ownForm: typeof submitted = (c, ...rest) => {
  if (!isForm(c)) signedIn(c)
  return submitted(c, ...rest)
}

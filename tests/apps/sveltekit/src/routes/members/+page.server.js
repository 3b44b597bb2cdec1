import { redirect } from '@sveltejs/kit'

export function load({ locals, url }) {
  if (locals.user === null) redirect(303, `/sign-in?returnTo=${encodeURIComponent(url.pathname)}`)
}

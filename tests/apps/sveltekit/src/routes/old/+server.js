import { redirect } from '@sveltejs/kit'

export const GET = ({ url }) => redirect(307, new URL('/?moved', url))

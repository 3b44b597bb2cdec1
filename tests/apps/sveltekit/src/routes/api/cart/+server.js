import { json } from '@sveltejs/kit'

// Below /api, where no upstream is: `serverRoutes: true` lets it answer.
export const GET = ({ locals }) => json({ audience: locals.user === null ? 'anybody' : `cart of ${locals.user.name}` })

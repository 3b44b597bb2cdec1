import { error } from '@sveltejs/kit'

const wishes = new Map()

export const load = ({ locals }) => ({ wish: wishes.get(locals.user?.id) ?? 'nothing' })

export const actions = {
  default: async ({ locals, request }) => {
    if (locals.user === null) error(401, 'sign in first')
    wishes.set(locals.user.id, (await request.formData()).get('wish'))
  },
}

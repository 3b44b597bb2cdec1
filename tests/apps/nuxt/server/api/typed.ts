// Checked by vue-tsc: what the module declares for server routes.
export default defineEventHandler(event => {
  const { user, session } = requireUserSession(event)
  const email: string | null = user.email
  const roles: readonly string[] = user.roles
  const since: number = session.createdAt
  // @ts-expect-error -- there may be nobody
  const name: string = getUserSession(event).user.name
  // @ts-expect-error -- no such field
  const token: string = session.token
  return { email, roles, since, name, token }
})

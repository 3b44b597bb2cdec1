export default defineEventHandler(async event => {
  const { user, session } = requireUserSession(event)
  return { by: user.email, session: session.id, body: await readBody(event) }
})

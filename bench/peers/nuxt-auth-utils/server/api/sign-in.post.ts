export default defineEventHandler(async event => {
  const { email, name } = await readBody(event)
  await setUserSession(event, {
    user: { id: crypto.randomUUID(), email, name, roles: ['user'] },
    createdAt: Date.now(),
  })
  return { ok: true }
})

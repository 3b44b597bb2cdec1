export default defineEventHandler(event => ({ hello: getUserSession(event).user?.email ?? 'nobody' }))

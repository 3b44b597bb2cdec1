export default defineEventHandler(async event => {
  requireUserSession(event)
  const [orders, stock] = await Promise.all(
    ['orders', 'stock'].map(name => event.$fetch<{ audience: string }>(`/api/${name}/from-a-server-route`)),
  )
  return [orders?.audience, stock?.audience]
})

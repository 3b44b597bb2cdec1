export default defineEventHandler(event => {
  setHeader(event, 'content-type', 'application/xml')
  setHeader(event, 'cache-control', 'public, max-age=60')
  return '<feed/>'
})

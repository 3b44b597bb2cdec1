/** Where to go after a sign-in: a path of this site, or '/'. Whatever a browser could read as another origin is refused (OA-1). */
export function safeReturnTo(value: unknown): string {
  if (typeof value !== 'string' || value.length > 2000) return '/'
  // eslint-disable-next-line no-control-regex -- browsers drop tabs and line ends inside an address
  if (!value.startsWith('/') || /^\/[/\\]/.test(value) || /[\u0000-\u001f\u007f\\]/.test(value)) return '/'
  return /^\/(auth|api|_porchlight)(\/|$|\?)/.test(value) ? '/' : value
}

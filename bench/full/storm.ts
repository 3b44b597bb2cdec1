export interface StormOrder {
  port: number
  path: string
  headers: Record<string, string>
  requests: number
}
/**
 * Latencies in milliseconds. `served`: answered with 200 and somebody signed in; `setCookies`: of the first answer that
 * has any.
 */
export interface StormResult {
  served: number
  p50: number
  p99: number
  longest: number
  setCookies: string[]
}

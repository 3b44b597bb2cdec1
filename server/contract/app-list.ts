/** One upstream that the signed-in account may use. */
export interface WireApp {
  name: string
  title: string
  description: string
  /** The name of an icon, or null. */
  icon: string | null
  /** The page to open; null for an API, which has none. */
  href: string | null
  /** The path prefix of its calls. */
  prefix: string
  /** Whether it accepts connections now. */
  reachable: boolean
}

/** `GET /auth/apps` */
export interface AppsAnswer {
  apps: WireApp[]
}

/** One upstream that the person may use. */
export interface WireApp {
  name: string
  title: string
  description: string
  /** The name of an icon, or null. */
  icon: string | null
  /** A page to open, or null: an API has none. */
  href: string | null
  /** Where its calls begin. */
  prefix: string
  /** Whether it takes connections now. */
  reachable: boolean
}

/** `GET /auth/apps` */
export interface AppsAnswer {
  apps: WireApp[]
}

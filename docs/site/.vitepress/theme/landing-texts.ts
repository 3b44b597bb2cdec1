/** What the landing page says. */
export interface LandingTexts {
  headline: string
  lead: string
  start: { label: string; href: string }
  why: { label: string; href: string }
  needs: string
  devices: string
  proof: string
  parts: { title: string; text: string; href: string }[]
}

export const ENGLISH: LandingTexts = {
  headline: 'Sign-in for your site, without a token in the browser',
  lead: 'Porchlight is a self-hosted backend-for-frontend. It signs people in, keeps every token on the server, and relays same-origin calls to your APIs. One Node process and a SQLite file.',
  start: { label: 'Ten minutes to a signed-in page', href: '/start' },
  why: { label: 'Where tokens live', href: '/concepts/tokens' },
  needs: 'npm and Node 20 or newer; nothing to configure',
  devices: 'Every session of an account, each with a button to sign it out',
  proof: 'The page /proof replays a theft with the real session code, in figures and a drawing',
  parts: [
    {
      title: 'Nobody is signed out by chance',
      text: 'A hundred requests at once, a lost response or a restart cost one renewal. A stolen cookie ends the session, and its owner learns why.',
      href: '/concepts/renewal',
    },
    {
      title: 'Your app stays yours',
      text: 'A Nuxt module, a server that renders, a static build, or a tool with pages of its own. APIs verify a token that was never in a browser.',
      href: '/guides/existing-front-end',
    },
    {
      title: 'Made to be run',
      text: 'Startup reports every mistake at once, a doctor looks from outside, and backups, keys and upgrades have a command each.',
      href: '/guides/hosting',
    },
    {
      title: 'Proved, not claimed',
      text: 'Tests carry the ids of the rules they prove, from RFC 10017 to ASVS 5. What is not protected has a list, too.',
      href: '/security',
    },
  ],
}

export const CHINESE: LandingTexts = {
  headline: '让站点拥有登录，令牌不进浏览器',
  lead: 'Porchlight 是自托管的 BFF（Backend for Frontend）：负责登录，把所有令牌留在服务器上，并把同源请求转发到您的 API。只需一个 Node 进程和一个 SQLite 文件。',
  start: { label: '十分钟快速上手', href: '/zh/start' },
  why: { label: '令牌存放在哪里', href: '/concepts/tokens' },
  needs: '需要 npm 和 Node 20 以上版本，无需任何配置',
  devices: '账户的全部会话一目了然，每个都可以单独退出',
  proof: '/proof 页面用真实的会话代码重演一次盗用，配有数字和图示',
  parts: [
    {
      title: '不会无故掉线',
      text: '同时发出一百个请求、响应丢失或服务器重启，都只需续期一次。Cookie 一旦被盗用，会话立即结束，用户也会知道原因。',
      href: '/concepts/renewal',
    },
    {
      title: '您的应用保持原样',
      text: '支持 Nuxt 模块、服务端渲染、静态站点，以及自带页面的工具。API 只需验证一个从未进过浏览器的令牌。',
      href: '/guides/existing-front-end',
    },
    {
      title: '为运维而设计',
      text: '启动时一次报告所有配置问题，doctor 命令从外部和内部检查；备份、密钥轮换和升级各有一条命令。',
      href: '/guides/hosting',
    },
    {
      title: '有测试为证',
      text: '测试标题注明所验证的规则，从 RFC 10017 到 ASVS 5。无法防护的情形也逐条列出。',
      href: '/security',
    },
  ],
}

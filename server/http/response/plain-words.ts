import type { Language } from '../../contract/languages.ts'
import { PROBLEMS, type ProblemCode } from '../../contract/problem-codes.ts'
import type { WayOn } from '../request/request-context.ts'

interface Words {
  title: string
  advice: string[]
}

const WORDS: Partial<Record<ProblemCode, Record<Language, Words>>> = {
  wrong_host: {
    en: {
      title: 'This site has a different address',
      advice: ['Use the address below. If you run this site, you can change its public URL.'],
    },
    'zh-CN': {
      title: '本站的网址不是这个',
      advice: ['请使用下面的网址。如果您是管理员并想更换网址，请修改公开网址设置。'],
    },
  },
  bad_path: {
    en: {
      title: 'This address is not valid',
      advice: ['It contains something that this site does not accept. Check the link, or start from the home page.'],
    },
    'zh-CN': { title: '网址无效', advice: ['网址中含有本站不接受的内容。请检查链接，或从首页重新开始。'] },
  },
  bad_request: {
    en: { title: 'The request could not be understood', advice: ['Go back and try again.'] },
    'zh-CN': { title: '无法理解该请求', advice: ['请返回后重试。'] },
  },
  duplicate_cookies: {
    en: {
      title: 'Your browser sent two different sessions',
      advice: [
        "Something set a second copy of this site's cookies, so it is unclear which one is yours. To be safe, neither was used.",
        "Clear this site's data: select the icon left of the address, open the settings for cookies and site data, delete everything stored for this site, then reload the page.",
      ],
    },
    'zh-CN': {
      title: '浏览器发送了两个不同的会话',
      advice: [
        '本站的 Cookie 出现了第二份，无法判断哪一份属于您。为安全起见，两份都没有使用。',
        '请清除本站数据：点击地址栏左侧的图标，打开 Cookie 和网站数据设置，删除本站存储的全部内容，然后重新加载页面。',
      ],
    },
  },
  headers_too_large: {
    en: {
      title: 'Your browser sent too much',
      advice: [
        'It sends all cookies of this host with every request, and there are too many of them, probably from another site or app on it. A very long address can also be the cause.',
        "Clear this site's data: select the icon left of the address, open the settings for cookies and site data, delete everything stored for this site, then reload the page. You will have to sign in again.",
      ],
    },
    'zh-CN': {
      title: '浏览器发送的内容过多',
      advice: [
        '浏览器每次请求都会带上此主机的全部 Cookie，而现在数量过多，很可能来自该主机上的其他网站或应用。网址过长也可能是原因。',
        '请清除本站数据：点击地址栏左侧的图标，打开 Cookie 和网站数据设置，删除本站存储的全部内容，然后重新加载页面。之后需要重新登录。',
      ],
    },
  },
  request_timeout: {
    en: { title: 'The request took too long', advice: ['Check your connection, then try again.'] },
    'zh-CN': { title: '请求传输时间过长', advice: ['请检查网络连接，然后重试。'] },
  },
  cross_origin: {
    en: {
      title: 'This did not come from this site',
      advice: [
        'Another page tried to submit something in your name. Nothing was changed. If it was you, open the page on this site and try again.',
      ],
    },
    'zh-CN': {
      title: '该请求并非来自本站',
      advice: ['另一个页面试图以您的名义提交内容，未执行任何操作。如果是您本人，请在本站打开页面后重试。'],
    },
  },
  not_signed_in: {
    en: { title: 'Sign in first', advice: ['This is only for people who are signed in.'] },
    'zh-CN': { title: '请先登录', advice: ['此内容仅供已登录的用户使用。'] },
  },
  insufficient_user_authentication: {
    en: {
      title: 'Confirm that it is you',
      advice: ['This requires a recent sign-in, and yours was too long ago.'],
    },
    'zh-CN': { title: '请确认是您本人', advice: ['此内容要求近期登录过，而您上次登录已经过去太久。'] },
  },
  forbidden: {
    en: {
      title: 'You do not have access to this',
      advice: ['Ask an administrator for access, or sign in with another account.'],
    },
    'zh-CN': { title: '您无权访问此内容', advice: ['请联系管理员开通权限，或换用其他账户登录。'] },
  },
  provider_sign_in_required: {
    en: {
      title: 'Sign in with the provider',
      advice: ['This needs access that only your account at the provider can give.'],
    },
    'zh-CN': { title: '请通过身份提供方登录', advice: ['此内容所需的访问权限只能由您在身份提供方的账户授予。'] },
  },
  session_replaced: {
    en: {
      title: 'You have signed in again',
      advice: ['Your request belonged to the earlier session and was not processed. Go back and send it again.'],
    },
    'zh-CN': { title: '您已重新登录', advice: ['刚才提交的内容属于之前的会话，没有执行。请返回后重新提交。'] },
  },
  not_found: {
    en: { title: 'Page not found', advice: ['Check the link, or start from the home page.'] },
    'zh-CN': { title: '页面不存在', advice: ['请检查链接，或从首页重新开始。'] },
  },
  method_not_allowed: {
    en: { title: 'This action is not supported here', advice: ['Go back and try again.'] },
    'zh-CN': { title: '不支持此操作', advice: ['请返回后重试。'] },
  },
  body_too_large: {
    en: { title: 'That is too large', advice: ['Go back, shorten what you entered, and try again.'] },
    'zh-CN': { title: '提交的内容过大', advice: ['请返回，缩短输入内容后重试。'] },
  },
  too_many_streams: {
    en: { title: 'Too many live connections', advice: ['Close other windows of this site, then try again.'] },
    'zh-CN': { title: '实时连接过多', advice: ['请关闭本站的其他窗口，然后重试。'] },
  },
  slow_down: {
    en: { title: 'Too many attempts', advice: ['Wait a moment, then try again.'] },
    'zh-CN': { title: '尝试次数过多', advice: ['请稍候再试。'] },
  },
  store_unavailable: {
    en: {
      title: 'Temporarily unavailable',
      advice: ['The database is unavailable. Nothing was lost and you stay signed in. Try again in a moment.'],
    },
    'zh-CN': {
      title: '暂时不可用',
      advice: ['数据库目前无法访问或写入。没有丢失任何内容，您仍保持登录状态。请稍后重试。'],
    },
  },
  busy: {
    en: { title: 'The server is busy', advice: ['Try again in a moment.'] },
    'zh-CN': { title: '当前非常繁忙', advice: ['请稍后重试。'] },
  },
  draining: {
    en: { title: 'The server is restarting', advice: ['Try again in a moment.'] },
    'zh-CN': { title: '服务器正在重启', advice: ['请稍后重试。'] },
  },
  internal: {
    en: {
      title: 'Something went wrong',
      advice: ['This is not your fault. Try again; if it keeps happening, send the administrator the number below.'],
    },
    'zh-CN': {
      title: '服务器出错了',
      advice: ['这不是您的问题。请重试；如果仍然如此，请把下面的编号告诉网站管理员。'],
    },
  },
}

const WAYS_ON: Record<WayOn['label'], Record<Language, string>> = {
  sign_in: { en: 'Sign in', 'zh-CN': '登录' },
  confirm: { en: 'Confirm', 'zh-CN': '确认身份' },
  provider: { en: 'Continue with the provider', 'zh-CN': '前往身份提供方继续' },
  account: { en: 'Your account', 'zh-CN': '您的账户' },
}

const RESEND: Record<Language, string> = {
  en: 'What you sent was not processed. Follow the link, which opens another tab, then come back to this one, reload it and send everything again.',
  'zh-CN': '刚才提交的内容没有处理。请点击链接，在新标签页中完成后回到此页，重新加载并再次提交。',
}

const REQUEST_ID: Record<Language, string> = { en: 'Request', 'zh-CN': '请求编号' }

/** The texts of a plain page for a problem. Codes that no navigation can cause only have their English title. */
export function plainWords(code: ProblemCode, language: Language): Words & { requestId: string } {
  const words = WORDS[code]?.[language] ?? { title: PROBLEMS[code].title, advice: [] }
  return { ...words, requestId: REQUEST_ID[language] }
}

/** The texts of the link that leads on; `resend`: for a form that has to be sent again. */
export function wayOnWords(label: WayOn['label'], language: Language): { text: string; resend: string } {
  return { text: WAYS_ON[label][language], resend: RESEND[language] }
}

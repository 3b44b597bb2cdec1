import type { MailFacts, MailText, MailTexts } from './mail-text.ts'

function details({ at, device, network }: MailFacts): MailText['details'] {
  return [
    { label: '时间', value: at },
    ...(device === '' ? [] : [{ label: '设备', value: device }]),
    ...(network === '' ? [] : [{ label: '网络地址', value: network }]),
  ]
}

const NOT_YOU = '如果不是您本人操作，请立即登录，修改密码，并退出其他所有设备。'
const LOST = '如果不是您本人操作，请尽快联系管理员：您的账户可能正在被他人使用。'

function notice(facts: MailFacts, what: { subject: string; lead: string; footnote: string }): MailText {
  return {
    subject: `${what.subject} · ${facts.site}`,
    paragraphs: [what.lead],
    action: { label: '查看我的账户', href: facts.href },
    details: details(facts),
    footnote: what.footnote,
  }
}

export const zhCN: MailTexts = {
  kinds: {
    reset: facts => ({
      subject: `设置新密码 · ${facts.site}`,
      paragraphs: [
        `我们收到了为您在 ${facts.site} 的账户 ${facts.address} 重设密码的请求。`,
        `请通过下面的链接设置新密码。链接只能使用一次，${facts.life}内有效。`,
      ],
      action: { label: '设置新密码', href: facts.href },
      details: details(facts),
      footnote: '如果这不是您的请求，请忽略本邮件，您的密码不会改变。',
    }),
    reset_elsewhere: facts => ({
      subject: `登录 ${facts.site}`,
      paragraphs: [
        `我们收到了为您在 ${facts.site} 的账户 ${facts.address} 重设密码的请求。`,
        '这个账户没有设置密码，而是通过其他服务登录。请在登录页选择该服务。',
      ],
      action: { label: '登录', href: facts.href },
      details: details(facts),
      footnote: '如果这不是您的请求，请忽略本邮件。',
    }),
    invitation: facts => ({
      subject: `邀请您加入 ${facts.site}`,
      paragraphs: [
        facts.by === ''
          ? `邀请您加入 ${facts.site}（${facts.host}）。`
          : `${facts.by} 邀请您加入 ${facts.site}（${facts.host}）。`,
        `请通过下面的链接创建账户。链接只能使用一次，${facts.life}内有效。`,
      ],
      action: { label: '创建账户', href: facts.href },
      details: [],
      footnote: '如果您不清楚这份邀请的来由，请忽略本邮件。',
    }),
    email_verify: facts => ({
      subject: `验证邮箱 · ${facts.site}`,
      paragraphs: [
        `${facts.address} 是您在 ${facts.site} 的账户邮箱吗？`,
        `请在已登录的浏览器中打开下面的链接进行验证。链接只能使用一次，${facts.life}内有效。`,
      ],
      action: { label: '验证邮箱', href: facts.href },
      details: [],
      footnote: `如果您没有 ${facts.host} 的账户，请忽略本邮件。`,
    }),
    email_change: facts => ({
      subject: `验证新邮箱 · ${facts.site}`,
      paragraphs: [
        `您在 ${facts.site} 的账户将改用邮箱 ${facts.address}。验证之前，一切保持不变。`,
        `请在已登录的浏览器中打开下面的链接进行验证。链接只能使用一次，${facts.life}内有效。`,
      ],
      action: { label: '验证邮箱', href: facts.href },
      details: details(facts),
      footnote: '如果这不是您的请求，请忽略本邮件。',
    }),
    email_in_use: facts => ({
      subject: `您在 ${facts.site} 的邮箱`,
      paragraphs: [
        `有人想在 ${facts.site} 的另一个账户中使用 ${facts.address}。`,
        '该邮箱属于您的账户，因此没有任何更改。如果是您本人操作，请直接登录这个账户。',
      ],
      action: { label: '登录', href: facts.href },
      details: details(facts),
      footnote: '如果不是您本人操作，无需处理。',
    }),
    email_changed: facts => ({
      subject: `邮箱已更改 · ${facts.site}`,
      paragraphs: [
        `您在 ${facts.site} 的账户已改用新的邮箱，不再使用 ${facts.address}。`,
        `如果不是您本人操作，请通过下面的链接取回账户。链接只能使用一次，${facts.life}内有效：它会恢复此邮箱、退出所有设备，并让您设置新密码。`,
      ],
      action: { label: '恢复我的邮箱', href: facts.href },
      details: details(facts),
      footnote: '如果是您本人更改的，请忽略本邮件。',
    }),
    email_replaced: facts =>
      notice(facts, {
        subject: '邮箱已更改',
        lead: `您在 ${facts.site} 的账户已改用新的邮箱，不再使用从未验证过的 ${facts.address}。`,
        footnote: LOST,
      }),
    email_restored: facts =>
      notice(facts, {
        subject: '邮箱已移除',
        lead: `您在 ${facts.site} 的账户不再使用 ${facts.address}：有人通过发往原邮箱的链接恢复了原邮箱，所有设备均已退出登录。`,
        footnote: LOST,
      }),
    test: facts => ({
      subject: `测试邮件 · ${facts.site}`,
      paragraphs: [`${facts.site}（${facts.host}）可以正常发送邮件。`],
      action: null,
      details: [],
      footnote: '本邮件由站点管理员发送，用于检查邮件设置。',
    }),
    new_device: facts =>
      notice(facts, {
        subject: '您的账户在新设备上登录',
        lead: `您的账户 ${facts.address} 刚刚在一台未曾使用过的设备上登录。`,
        footnote: NOT_YOU,
      }),
    refresh_reuse: facts =>
      notice(facts, {
        subject: '已阻止被复制的会话',
        lead: `您的账户 ${facts.address} 的一个会话在两处同时使用，这通常说明浏览器的 Cookie 被人复制。该会话已全部退出登录。`,
        footnote: '请重新登录并修改密码，同时检查该设备是否感染了恶意软件。',
      }),
    password_changed: facts =>
      notice(facts, {
        subject: '密码已修改',
        lead: `您的账户 ${facts.address} 的密码已修改，其他设备均已退出登录。`,
        footnote: LOST,
      }),
    password_reset: facts =>
      notice(facts, {
        subject: '密码已重设',
        lead: facts.byAdministrator
          ? `管理员为您的账户 ${facts.address} 设置了新密码，所有设备均已退出登录。`
          : `您的账户 ${facts.address} 已通过一次性链接设置了新密码，所有设备均已退出登录。`,
        footnote: LOST,
      }),
    password_locked: facts =>
      notice(facts, {
        subject: '密码已锁定',
        lead: `您的账户 ${facts.address} 登录失败次数过多。在设置新密码之前，原密码只能在您用过的浏览器中使用。`,
        footnote: '如果不是您本人操作，请设置一个不在别处使用的新密码。',
      }),
    identity_linked: facts =>
      notice(facts, {
        subject: '新增登录方式',
        lead: `您的账户 ${facts.address} 现在可以通过另一个服务的账户登录。`,
        footnote: NOT_YOU,
      }),
    identity_unlinked: facts =>
      notice(facts, {
        subject: '登录方式已移除',
        lead: `另一个服务的账户不能再登录您的账户 ${facts.address}。`,
        footnote: NOT_YOU,
      }),
    totp_added: facts =>
      notice(facts, {
        subject: '已添加身份验证器',
        lead: `您的账户 ${facts.address} 已设置身份验证器应用。今后用密码登录时，还需要输入验证码。`,
        footnote: NOT_YOU,
      }),
    totp_removed: facts =>
      notice(facts, {
        subject: '身份验证器已移除',
        lead: `身份验证器应用生成的验证码不能再用于登录您的账户 ${facts.address}。`,
        footnote: NOT_YOU,
      }),
    passkey_added: facts =>
      notice(facts, {
        subject: '已添加通行密钥',
        lead: `您的账户 ${facts.address} 现在可以使用一个新的通行密钥登录。`,
        footnote: NOT_YOU,
      }),
    passkey_removed: facts =>
      notice(facts, {
        subject: '通行密钥已移除',
        lead: `一个通行密钥不能再登录您的账户 ${facts.address}。`,
        footnote: NOT_YOU,
      }),
    passkey_copied: facts =>
      notice(facts, {
        subject: '一个通行密钥被拒绝',
        lead: `你的账户 ${facts.address} 的一个通行密钥被拒绝：它的计数器回退，可能存在副本。请移除它，然后添加新的通行密钥。`,
        footnote: NOT_YOU,
      }),
    recovery_codes_made: facts =>
      notice(facts, {
        subject: '已生成新的恢复码',
        lead: `已为您的账户 ${facts.address} 生成新的恢复码，原有的恢复码全部失效。`,
        footnote: NOT_YOU,
      }),
    recovery_code_used: facts =>
      notice(facts, {
        subject: '恢复码已被使用',
        lead: `有人使用恢复码登录了您的账户 ${facts.address}。该恢复码已失效，不能再次使用。`,
        footnote: NOT_YOU,
      }),
    recovery_codes_low: facts =>
      notice(facts, {
        subject: '恢复码已被使用，剩余不多',
        lead: `有人使用恢复码登录了您的账户 ${facts.address}。剩余的恢复码不多了，请生成一组新的恢复码并妥善保管。`,
        footnote: NOT_YOU,
      }),
    factors_reset: facts =>
      notice(facts, {
        subject: '两步验证已移除',
        lead: `管理员移除了您的账户 ${facts.address} 的身份验证器、通行密钥和恢复码。在您重新设置两步验证之前，登录只需要密码。`,
        footnote: '如果这不是您的请求，请立即重新设置两步验证，并向管理员了解原因。',
      }),
    second_factor_locked: facts =>
      notice(facts, {
        subject: '验证码已锁定',
        lead: `有人在知道密码的情况下，为您的账户 ${facts.address} 多次输入了错误的验证码。身份验证器的验证码已暂时不能用于登录。`,
        footnote: '使用通行密钥或恢复码登录即可解除锁定。如果不是您本人操作，说明密码已经泄露，请立即修改密码。',
      }),
    account_disabled: facts => ({
      ...notice(facts, {
        subject: '账户已停用',
        lead: `管理员停用了您的账户 ${facts.address}，所有设备均已退出登录。`,
        footnote: '如有疑问，请联系管理员。',
      }),
      // Whoever reads it cannot sign in.
      action: null,
    }),
    account_enabled: facts =>
      notice(facts, {
        subject: '账户已恢复',
        lead: `管理员已恢复您的账户 ${facts.address}，您可以重新登录。`,
        footnote: '如果不再需要这个账户，请联系管理员停用。',
      }),
  },
  linkBelow: '如果按钮无法使用，请打开以下地址：',
  minutes: count => `${count} 分钟`,
  days: count => `${count} 天`,
  device: (browser, system) => [system, browser].filter(part => part !== null).join(' 上的 '),
  unknown: '未知设备',
}

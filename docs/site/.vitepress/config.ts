import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig } from 'vitepress'
import { CONTENTS } from '../contents.ts'
import { headingId, pageOf, ROOT, titleOf } from '../stage.ts'

const link = (file: string) => `/${(pageOf(file) ?? '').replace(/(^|\/)index\.md$/, '$1').replace(/\.md$/, '')}`

const sidebar = CONTENTS.map(({ title, collapsed = false, pages }) => ({
  text: title,
  collapsed,
  items: pages
    .filter(({ file }) => existsSync(join(ROOT, file)))
    .map(({ file, short }) => ({ text: short ?? titleOf(file), link: link(file) })),
}))

export default defineConfig({
  title: 'Porchlight',
  description: 'A self-hosted backend-for-frontend: sign-in for your site, without a token in the browser.',
  srcDir: '.pages',
  head: [['link', { rel: 'icon', href: '/favicon.svg', type: 'image/svg+xml' }]],
  appearance: true,
  lastUpdated: false,
  // A running Porchlight, in the first steps.
  ignoreDeadLinks: 'localhostLinks',
  markdown: {
    // Addresses in prose are examples.
    linkify: false,
    // Braces in a heading are part of an address.
    attrs: { disable: true },
    theme: { light: 'vitesse-light', dark: 'vitesse-dark' },
    // As Git hosts make them, so that one link leads to the heading in both places.
    anchor: { slugify: headingId },
  },
  locales: {
    root: { label: 'English', lang: 'en' },
    zh: {
      label: '简体中文',
      lang: 'zh-CN',
      link: '/zh/',
      description: '自托管的 BFF：为您的站点提供登录，令牌不进浏览器。',
      themeConfig: {
        nav: [
          { text: '快速上手', link: '/zh/start' },
          { text: '英文文档', link: '/start' },
        ],
        outline: { label: '本页内容' },
        docFooter: { prev: '上一页', next: '下一页' },
        darkModeSwitchLabel: '主题',
        lightModeSwitchTitle: '切换到浅色主题',
        darkModeSwitchTitle: '切换到深色主题',
        sidebarMenuLabel: '目录',
        returnToTopLabel: '回到顶部',
        langMenuLabel: '语言',
        skipToContentLabel: '跳到正文',
        notFound: {
          title: '没有这个页面',
          quote: '地址可能写错了，或页面已经移动。',
          linkLabel: '回到首页',
          linkText: '回到首页',
        },
      },
    },
  },
  themeConfig: {
    logo: '/favicon.svg',
    i18nRouting: false,
    nav: [
      { text: 'Start', link: '/start' },
      { text: 'Concepts', link: '/concepts/tokens', activeMatch: '/concepts/' },
      { text: 'Settings', link: '/guides/settings' },
      { text: 'Security', link: '/security' },
    ],
    sidebar: { '/': sidebar, '/zh/': [{ text: '文档', items: [{ text: '快速上手', link: '/zh/start' }] }] },
    outline: [2, 3],
    search: {
      provider: 'local',
      options: {
        locales: {
          zh: {
            translations: {
              button: { buttonText: '搜索', buttonAriaLabel: '搜索' },
              modal: {
                noResultsText: '没有找到',
                resetButtonTitle: '清除',
                displayDetails: '显示详情',
                footer: { selectText: '打开', navigateText: '移动', closeText: '关闭' },
              },
            },
          },
        },
      },
    },
    notFound: {
      title: 'The light is off here',
      quote: 'There is no page at this address. It may have moved; the search above finds it.',
      linkLabel: 'Go to the first page',
      linkText: 'Go to the first page',
    },
  },
})

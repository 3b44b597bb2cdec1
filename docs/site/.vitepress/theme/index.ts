import DefaultTheme from 'vitepress/theme-without-fonts'
import type { Theme } from 'vitepress'
import Landing from './Landing.vue'
import './porchlight.css'

export default {
  extends: DefaultTheme,
  enhanceApp: ({ app }) => void app.component('Landing', Landing),
} satisfies Theme

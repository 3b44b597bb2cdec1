import en from '../../i18n/locales/home/en.json'
import zh from '../../i18n/locales/home/zh-CN.json'

/** The sentences that the home page needs. */
export default defineNuxtPlugin({
  name: 'demo-words',
  dependsOn: ['language'],
  setup() {
    if (useDemo().value) useI18n().addWords({ en, 'zh-CN': zh })
  },
})

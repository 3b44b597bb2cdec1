import { defineCollection, defineContentConfig } from '@nuxt/content'

export default defineContentConfig({ collections: { guide: defineCollection({ type: 'page', source: 'guide/*.md' }) } })

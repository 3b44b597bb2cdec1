import { ESLint } from 'eslint'
import { describe, expect, test } from 'vitest'
import { ROOT } from '../support/source-tree.ts'

const eslint = new ESLint({ cwd: ROOT })

async function complaints(filePath: string, code: string): Promise<string[]> {
  const [result] = await eslint.lintText(code, { filePath })
  return (result?.messages ?? []).map(message => message.ruleId ?? message.message)
}

const component = (script: string) =>
  `<script setup lang="ts">\n${script}\n</script>\n\n<template>\n  <p />\n</template>\n`

describe('lint knows the mistakes that cost this kind of project the most', () => {
  test.each([
    [
      'a component that fetches while it renders, without the session',
      'web/app/pages/x.vue',
      component("await $fetch('/auth/session')"),
    ],
    [
      'a composable that does',
      'web/app/composables/x.ts',
      "export function useX() {\n  return $fetch('/auth/session')\n}\n",
    ],
    ['a rule that reads the clock', 'server/accounts/x.ts', 'export const x = () => Date.now()\n'],
    ['the same in another spelling', 'server/accounts/x.ts', 'export const x = () => +new Date()\n'],
    ['browser storage', 'web/app/composables/x.ts', "export const x = () => localStorage.getItem('x')\n"],
    ['cookies read by a page', 'web/app/composables/x.ts', 'export const x = () => document.cookie\n'],
    ['a bare console line', 'server/accounts/x.ts', "console.log('x')\n"],
  ])('%s', async (_what, path, code) => {
    expect(await complaints(path, code)).not.toEqual([])
  })

  test('a fetch in an event handler is fine', async () => {
    expect(
      await complaints(
        'web/app/pages/x.vue',
        component("async function save() {\n  await $fetch('/auth/user')\n}\nsave()"),
      ),
    ).toEqual([])
    expect(
      await complaints(
        'web/app/composables/x.ts',
        "export function useX() {\n  return { save: () => $fetch('/auth/user') }\n}\n",
      ),
    ).toEqual([])
  })
})

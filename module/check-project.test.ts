import { expect, test } from 'vitest'
import { checkSettings } from '../server/config/load-config.ts'
import { checkProject, type Project } from './check-project.ts'

const GOOD: Project = {
  nuxtVersion: '4.5.2',
  modules: ['porchlight/nuxt', '@nuxt/ui'],
  preset: null,
  packageFolder: '/app/node_modules/porchlight',
  foundFolder: '/app/node_modules/porchlight',
  settingProblems: [],
}

test('a usual project passes', () => {
  expect(() => checkProject(GOOD)).not.toThrow()
  expect(() => checkProject({ ...GOOD, preset: 'node-server', foundFolder: null })).not.toThrow()
})

test.each([
  [{ nuxtVersion: '3.21.0' }, 'Porchlight needs Nuxt 4.5 or later, and this is 3.21.0.'],
  [{ nuxtVersion: '4.4.9' }, 'Porchlight needs Nuxt 4.5 or later, and this is 4.4.9.'],
  [{ nuxtVersion: '5.0.0' }, 'Porchlight works with Nuxt 4, and this is 5.0.0.'],
  [{ modules: ['nuxt-auth-utils', 'porchlight/nuxt'] }, 'nuxt-auth-utils and porchlight/nuxt both sign people in.'],
  [{ modules: ['@sidebase/nuxt-auth'] }, '@sidebase/nuxt-auth and porchlight/nuxt both sign people in.'],
  [{ modules: ['nuxt-oidc-auth'] }, 'nuxt-oidc-auth and porchlight/nuxt both sign people in.'],
  [{ preset: 'vercel' }, "Porchlight is one Node process, and the Nitro preset 'vercel' makes none."],
  [
    { foundFolder: '/node_modules/porchlight' },
    'There are two copies of porchlight: /app/node_modules/porchlight and /node_modules/porchlight.',
  ],
  [{ settingProblems: ['upstream: there is no such setting'] }, 'The key `porchlight` in nuxt.config is wrong:'],
] satisfies [Partial<Project>, string][])('%j is refused in a sentence', (change, sentence) => {
  expect(() => checkProject({ ...GOOD, ...change })).toThrow(sentence)
})

test('a wrong key is named, with what is expected; what the environment adds later is not missed', async () => {
  expect(
    await checkSettings({ upstreams: [{ name: 'orders', target: 'http://127.0.0.1:1', token: 'provider' }] }),
  ).toEqual([])
  expect((await checkSettings({ upstream: [], port: 'many' })).join('\n')).toMatch(
    /upstream .*did you mean upstreams\?[^]*port /,
  )
})

import { expect, test } from 'vitest'
import { HOUR } from '../base/clock.ts'
import { plainHttpElsewhere } from './plain-http.ts'
import { toUpstream } from './upstream-settings.ts'

const found = (target: string) => plainHttpElsewhere([toUpstream({ name: 'orders', target }, HOUR)]).length === 1

test.each([
  'http://127.0.0.1:8000',
  'http://127.8.9.1',
  'http://localhost:8000/v1',
  'http://LOCALHOST.',
  'http://api.localhost',
  'http://[::1]:8000',
  'http://0.0.0.0:8000',
  'http://[::]:8000',
  'http://[::ffff:127.0.0.1]:8000',
  'http://2130706433',
  'http://0x7f.1',
  'https://api.example',
  'https://10.0.0.5:8443',
])('%s is local or has TLS', target => {
  expect(found(target)).toBe(false)
})

test.each([
  'http://10.0.0.5:8000',
  'http://192.168.1.2',
  'http://api:8000',
  'http://api.internal',
  'http://host.docker.internal:8000',
  'http://[fd00::5]',
  'http://[::ffff:10.0.0.5]',
  'HTTP://api.example',
  'http://localhost.example',
  'http://127.0.0.1.example',
  'http://128.0.0.1',
  'http://notlocalhost',
])('%s is on another machine, where others on the network can read the traffic', target => {
  expect(found(target)).toBe(true)
})

test('each upstream is judged separately', () => {
  const upstreams = ['http://127.0.0.1:1', 'http://10.0.0.5', 'https://api.example', 'http://api'].map((target, at) =>
    toUpstream({ name: `api-${at}`, target }, HOUR),
  )
  expect(plainHttpElsewhere(upstreams).map(one => one.name)).toEqual(['api-1', 'api-3'])
})

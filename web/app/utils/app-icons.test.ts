import lucide from '@iconify-json/lucide/icons.json' with { type: 'json' }
import { expect, test } from 'vitest'
import { appIcon } from './app-icons.ts'

const icons: Record<string, { body: string }> = lucide.icons

test.each(['box', 'notebook-pen', 'shopping-cart', 'users', 'credit-card'])('%s is drawn as Lucide draws it', name => {
  const paths = [...(icons[name]?.body ?? '').matchAll(/ d="([^"]+)"/g)].map(([, path]) =>
    (path ?? '').replace(/^m/, 'M'),
  )
  // A path that begins with `m` begins at that point only where it stands alone.
  expect(paths.length).toBeGreaterThan(0)
  for (const path of paths) expect(appIcon(name)).toContain(path)
})

test('a name that is not here is a plain box, and nothing else', () => {
  for (const name of [null, 'no-such-icon', 'constructor', '__proto__', '"><script>'])
    expect(appIcon(name)).toBe(appIcon('box'))
})

import { expect, test } from 'vitest'
import { releaseProblems, type ReleaseState } from './release-checks.ts'

const READY: ReleaseState = {
  version: '0.2.0',
  branch: 'main',
  changes: '',
  tags: ['v0.1.0'],
  changelog:
    '# Changelog\n\n## Unreleased\n\n## 0.2.0 (2026-11-30)\n\n**What you must do**: nothing.\n\n- a\n\n## 0.1.0\n\n- b\n',
  repository: 'https://code.example/porchlight',
  keptReleases: ['0.1.0'],
}

test('a clean main with a changelog is ready', () => {
  expect(releaseProblems(READY)).toEqual([])
})

test.each<[Partial<ReleaseState>, string]>([
  [{ branch: 'next' }, 'Releases are made from main, and this is next.'],
  [{ changes: ' M server/main.ts\n' }, 'There are uncommitted changes:\n M server/main.ts'],
  [{ tags: ['v0.2.0'] }, 'v0.2.0 is tagged already: raise the version in package.json.'],
  [{ version: '0.3.0', keptReleases: ['0.1.0', '0.2.0'] }, 'CHANGELOG.md has no section "## 0.3.0".'],
  [
    { changelog: READY.changelog.replace('**What you must do**: nothing.', '') },
    'The section 0.2.0 of CHANGELOG.md does not say "What you must do", were it nothing.',
  ],
  [
    { changelog: READY.changelog.replace('## Unreleased\n', '## Unreleased\n\n### Added\n\n- c\n') },
    'CHANGELOG.md still has entries under Unreleased: move them below 0.2.0.',
  ],
  [{ repository: null }, 'package.json names no repository, which npm compares with where a release was built.'],
  [{ keptReleases: [] }, 'No data folder of 0.1.0 is kept for the tests of upgrades: see docs/guides/releasing.md.'],
])('%j is refused in a sentence', (change, sentence) => {
  expect(releaseProblems({ ...READY, ...change })).toEqual([sentence])
})

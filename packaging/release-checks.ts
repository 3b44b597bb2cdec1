/** What a release is made from. */
export interface ReleaseState {
  version: string
  branch: string
  /** `git status --porcelain`; empty: nothing is uncommitted. */
  changes: string
  tags: readonly string[]
  changelog: string
  /** `repository` of package.json; null: none. */
  repository: string | null
  /** The versions of which a data folder is kept for the tests of upgrades. */
  keptReleases: readonly string[]
}

const HEADING = /^## (\d+\.\d+\.\d+)(?:\s|$)/gm
const DUTIES = 'What you must do'

/** @returns what forbids the release, a sentence each */
export function releaseProblems(state: ReleaseState): string[] {
  const { version, branch, changes, tags, changelog, repository, keptReleases } = state
  const released = [...changelog.matchAll(HEADING)].map(([, named = '']) => named)
  const section = sectionOf(changelog, version)
  const former = released.filter(named => named !== version)
  const problems: [boolean, string][] = [
    [branch !== 'main', `Releases are made from main, and this is ${branch}.`],
    [changes !== '', `There are uncommitted changes:\n${changes.trimEnd()}`],
    [tags.includes(`v${version}`), `v${version} is tagged already: raise the version in package.json.`],
    [section === null, `CHANGELOG.md has no section "## ${version}".`],
    [
      section !== null && !section.includes(DUTIES),
      `The section ${version} of CHANGELOG.md does not say "${DUTIES}", were it nothing.`,
    ],
    [
      /^- /m.test(sectionOf(changelog, 'Unreleased') ?? ''),
      `CHANGELOG.md still has entries under Unreleased: move them below ${version}.`,
    ],
    [repository === null, 'package.json names no repository, which npm compares with where a release was built.'],
    ...former.map((named): [boolean, string] => [
      !keptReleases.includes(named),
      `No data folder of ${named} is kept for the tests of upgrades: see docs/guides/releasing.md.`,
    ]),
  ]
  return problems.filter(([applies]) => applies).map(([, sentence]) => sentence)
}

/** The text below a heading, up to the next of its rank; null: no such heading. */
export function sectionOf(changelog: string, name: string): string | null {
  const [, rest] = changelog.split(new RegExp(`^## ${name.replaceAll('.', '\\.')}(?:\\s.*)?$`, 'm'))
  return rest === undefined ? null : (rest.split(/^## /m)[0] ?? '')
}

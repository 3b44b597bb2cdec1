import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { argv } from 'node:process'
import { releaseProblems } from './release-checks.ts'
import { makeReleaseFiles } from './release-files.ts'

// `npm run release`: checks that this commit may be released, and makes what is published, in .cache/release. Publishes
// nothing by itself. `-- --dry-run` leaves out the long tests, and goes on after what would forbid the release;
// `-- --files` only makes the files, for a workflow that has checked and tested.

const ROOT = join(import.meta.dirname, '..')
const RELEASES = join(ROOT, 'tests', 'support', 'releases')
const QUICK = ['lint', 'typecheck', 'unused']
const LONG = ['test', 'test:package', 'test:apps', 'test:deploy']

const dryRun = argv.includes('--dry-run')
const say = (line: string) => void process.stdout.write(`${line}\n`)
const { version, repository } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  version: string
  repository?: { url: string }
}
const changelog = readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8')

if (!argv.includes('--files')) check()
const sums = makeReleaseFiles(ROOT, { version, changelog })
say(`\nIn .cache/release${dryRun ? ', from a dry run: do not publish it' : ''}:\n\n${sums.join('\n')}\n`)
say(`Then, where your signing key is:

  git tag --sign v${version} --message "Porchlight ${version}"
  git push origin v${version}

The workflow .github/workflows/release.yml publishes from the tag, with provenance. By hand, without provenance:

  npm publish .cache/release/porchlight-${version}.tgz --access public`)

function check(): void {
  const problems = releaseProblems({
    version,
    branch: git('rev-parse', '--abbrev-ref', 'HEAD').trim(),
    changes: git('status', '--porcelain'),
    tags: git('tag').split('\n'),
    changelog,
    repository: repository?.url ?? null,
    keptReleases: existsSync(RELEASES) ? readdirSync(RELEASES) : [],
  })
  for (const problem of problems) say(problem)
  if (problems.length > 0 && !dryRun) process.exit(1)
  for (const script of [...QUICK, ...(dryRun ? [] : LONG)]) {
    say(`npm run ${script}`)
    execFileSync('npm', ['run', '--silent', script], { cwd: ROOT, stdio: 'inherit' })
  }
}

function git(...args: string[]): string {
  return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' })
}

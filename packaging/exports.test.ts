import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { expect, inject, test } from 'vitest'
import { ROOT } from '../tests/support/server.ts'

test('publint finds nothing to say about the package', async () => {
  const { messages, pkg } = await publint({ pkgDir: join(ROOT, 'dist'), strict: true })
  expect(messages.map(message => formatMessage(message, pkg))).toEqual([])
})

test('every export has types that fit it, for bundlers and for Node', async () => {
  const analysis = await checkPackage(createPackageFromTarballData(readFileSync(inject('tarball'))))
  expect(analysis.types).toEqual({ kind: 'included' })
  if (!('problems' in analysis)) return
  // It is made of ES modules alone: these two are how others name that.
  const problems = analysis.problems.filter(
    problem => !('resolutionKind' in problem) || !['node10', 'node16-cjs'].includes(problem.resolutionKind),
  )
  expect(problems).toEqual([])
  expect(Object.keys(analysis.entrypoints)).toEqual(expect.arrayContaining(['.', './client', './testing']))
})

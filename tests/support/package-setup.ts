import type { TestProject } from 'vitest/node'
import { packPackage } from './package.ts'
import { stopAll } from './server.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The packed npm package. */
    tarball: string
  }
}

/** Packs the npm package once for all files of a suite. */
export default async function setUp(project: TestProject): Promise<() => void> {
  project.provide('tarball', await packPackage())
  return stopAll
}

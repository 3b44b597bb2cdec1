import { sessionContract } from '../contract.testing.ts'
import { memoryBench } from './memory.testing.ts'

sessionContract('memory', memoryBench)

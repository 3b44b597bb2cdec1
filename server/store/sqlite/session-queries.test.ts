import { sessionContract } from '../contract.testing.ts'
import { sqliteBench } from '../store.testing.ts'

sessionContract('SQLite', sqliteBench)

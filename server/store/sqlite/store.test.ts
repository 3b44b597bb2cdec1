import { accountContract } from '../account-contract.testing.ts'
import { factorContract } from '../factor-contract.testing.ts'
import { sessionContract } from '../contract.testing.ts'
import { sqliteBench, testStore } from '../store.testing.ts'
import { upkeepContract } from '../upkeep-contract.testing.ts'

sessionContract('SQLite', sqliteBench)
accountContract('SQLite', testStore)
factorContract('SQLite', testStore)
upkeepContract('SQLite', testStore)

import { accountContract } from '../account-contract.testing.ts'
import { testStore } from '../store.testing.ts'

accountContract('SQLite', testStore)

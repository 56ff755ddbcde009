import { openStore } from './store.ts'
import { storeContract } from './testing/contract.ts'

storeContract('the embedded store', (clock) => openStore({ file: ':memory:', clock }))

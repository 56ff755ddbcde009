import { onOwnBehalf, principalId } from '../identity.ts'
import type { Resource } from '../resource.ts'

export const alice = onOwnBehalf({
  kind: 'user',
  id: principalId('user', 'alice'),
  name: 'Alice',
  groups: ['developers'],
})
export const bob = onOwnBehalf({ kind: 'user', id: principalId('user', 'bob'), name: 'Bob', groups: ['dba'] })

export function postgresResource<Options>(
  options: Options,
  over: Partial<Resource<Options>> = {},
): Resource<Options> {
  return {
    name: 'orders-db',
    protocol: 'postgres',
    host: '127.0.0.1',
    port: 5432,
    agent: 'local',
    labels: { env: 'test' },
    accounts: [{ name: 'app', credential: { from: 'none' } }],
    masking: { mode: 'strict', columns: [], detectors: [], redactors: {} },
    recording: 'batched',
    options,
    ...over,
  }
}

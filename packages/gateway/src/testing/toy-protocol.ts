import type { StreamProtocol } from '@sallyport/core'

/** A protocol with little in it: greets whoever connects. */
export const toyProtocol: StreamProtocol = {
  over: 'stream',
  name: 'toy',
  defaultPort: 7,
  listenPort: 0,
  options: (value) => {
    const [unknown] = Object.keys(value ?? {})
    if (unknown !== undefined) throw new Error(`unknown option ${unknown}`)
    return {}
  },
  actions: [
    { name: 'read', group: 'read', meaning: 'looks' },
    { name: 'update', group: 'write', meaning: 'changes' },
  ],
  facts: [],
  replay: 'statements',
  hints: ({ endpoint, resource, token }) => [
    {
      client: 'toy',
      command: ['toy', `${endpoint.host}:${endpoint.port}`, resource],
      environment: { TOY_TOKEN: token, TOY_CA: endpoint.caFile ?? '' },
    },
  ],
  serve: (connection) => {
    connection.stream.end('toy\n')
    return Promise.resolve()
  },
}

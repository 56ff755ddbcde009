import { EventEmitter } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { gatewayCommand } from './command.ts'
import { protocolKinds } from './protocols.ts'
import { Page, temporaryDirectory } from './testing/world.ts'

const withoutProtocols = protocolKinds.map(({ name }) => `  ${name}: "off"\n`).join('')

async function run(
  yaml: (directory: string) => string,
  over: { printConfig?: boolean; processes?: string; end?: 'one signal' | 'two signals' } = {},
) {
  await using directory = await temporaryDirectory()
  const configFile = join(directory.path, 'gateway.yaml')
  await writeFile(configFile, yaml(directory.path))
  const [output, errors, signals] = [new Page(), new Page(), new EventEmitter()]
  const code = gatewayCommand({ configFile, environment: {}, output, errors, signals, ...over })
  if (over.end !== undefined) {
    while (!errors.text.includes('is ready')) await once(errors, 'written')
    signals.emit('SIGTERM')
    if (over.end === 'two signals') signals.emit('SIGINT')
  }
  return { code: await code, output: output.text, errors: errors.text, listeners: signals.eventNames() }
}

const onFreePorts = (directory: string) =>
  `dataDirectory: ${directory}/data\nlisten:\n  api: 127.0.0.1:0\n  agents: 127.0.0.1:0\n  metrics: "off"\n${withoutProtocols}`

describe('the gateway’s command', () => {
  test('says all that is wrong with the configuration, and ends with 2', async () => {
    const { code, errors } = await run(() => 'listen:\n  apii: 1\ndrainMs: soon\n')
    expect(code).toBe(2)
    expect(errors.split('\n')).toEqual(
      expect.arrayContaining([
        'gateway.yaml:2:3 listen.apii: unknown key; did you mean api?',
        'gateway.yaml:3:1 drainMs: expected number, received string',
      ]),
    )
  })

  test('prints the effective configuration with its sources', async () => {
    const { code, output } = await run(onFreePorts, { printConfig: true })
    expect(code).toBe(0)
    expect(output).toContain('  api: 127.0.0.1:0 # gateway.yaml:3')
    expect(output).toContain('drainMs: 30000 # default')
    expect(output).toContain('processes: 1 # default')
  })

  test('takes the number of processes from the command line before all else, where it is one', async () => {
    const more = (directory: string) => `${onFreePorts(directory)}processes: 2\n`
    expect((await run(more, { printConfig: true, processes: '3' })).output).toContain('processes: 3 #')
    expect((await run(more, { printConfig: true })).output).toContain('processes: 2 # gateway.yaml')
    for (const processes of ['0', '65', '1.5', 'many', ''])
      expect(await run(more, { processes })).toMatchObject({
        code: 2,
        errors: expect.stringContaining('SALLYPORT_PROCESSES') as string,
      })
  })

  test('names a port that is taken, and ends with 3', async () => {
    const other = createServer().listen({ host: '127.0.0.1', port: 0 })
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    const { code, errors } = await run((directory) =>
      onFreePorts(directory).replace('api: 127.0.0.1:0', `api: 127.0.0.1:${port}`),
    )
    other.close()
    expect(code).toBe(3)
    expect(errors).toMatch(`sallyport gateway: port ${port}, wanted for listen.api, is taken`)
    expect(errors).toContain('SALLYPORT_LISTEN__API')
  })

  test('says that the data directory cannot be used, and ends with 4', async () => {
    const { code, errors } = await run((directory) =>
      onFreePorts(directory).replace('/data', '/gateway.yaml'),
    )
    expect(code).toBe(4)
    expect(errors).toContain('the data directory')
  })

  test.each(['one signal', 'two signals'] as const)(
    'ends with 0 after %s, and listens to no more',
    async (end) => {
      const { code, listeners, output } = await run(onFreePorts, { end })
      expect(code).toBe(0)
      expect(listeners).toEqual([])
      expect(output).toContain('"msg":"ended"')
    },
  )
})

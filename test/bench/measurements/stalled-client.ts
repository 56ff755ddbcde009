import { once } from 'node:events'
import type { Endpoint } from '../../world/endpoint.ts'
import { query } from '../../world/raw-messages.ts'
import { RawPostgres } from '../../world/raw-postgres.ts'
import { RowCounter } from '../clients/row-counter.ts'
import { atMost, type Ground, type Measurement, type Reading } from '../measurement.ts'
import { peakBytes, residentBytes, settledBytes } from '../resident.ts'
import { deploy, plainEndpoint } from '../routes/sallyport.ts'

/** Ten million rows of a thousand bytes, made while they are sent. */
const tenGigabytes = "SELECT repeat('x', 1000), generate_series(1, 10000000)"
/** Memory that does not grow for so long has stopped growing. */
const stillMs = 10_000
const readBeforeBytes = 1_000_000
const name = 'stalled client of 10 GB'

/** A client asks for a lot, reads a little of it, and then no more, with its connection open. */
export const stalledClient: Measurement = {
  setting: 'alone',
  mostRounds: 3,
  rows: ['gateway', 'agent'].flatMap((process) =>
    ['at the peak', 'lasting'].map((when) => ({
      name: `${name}, ${process}, ${when}`,
      figure: `${process}, ${when}`,
      unit: 'MB',
      better: 'lower',
      targets: [atMost(20, 'MB more than before')],
    })),
  ),
  measure,
}

async function measure({ bed: { server, database } }: Ground): Promise<Reading | string> {
  if (process.platform !== 'linux') return 'resident memory is read from /proc'
  await using life = new AsyncDisposableStack()
  const sallyport = await deploy(life, 'sallyport', { server, database })
  const person = await sallyport.person('stalled', ['unrestricted'])
  const endpoint = plainEndpoint(sallyport, person, database)
  const pids = [sallyport.gateway.pid, sallyport.agent.pid]
  {
    await using warming = await reader(endpoint) // what a big result leaves behind once is not the stalled client's
    await warming.ask('SELECT * FROM bench_rows', (counter) => counter.ready === 1)
  }
  const before = await Promise.all(pids.map(settledBytes))
  await using client = await reader(endpoint)
  await client.ask(tenGigabytes, ({ bytes }) => bytes > readBeforeBytes)
  const peaks = await peakBytes(pids, stillMs, 120_000)
  const lasting = pids.map(residentBytes)
  if (!peaks) throw new Error('memory still grows after two minutes of a client that does not read')
  await client.readOn(({ bytes }) => bytes > 20 * readBeforeBytes) // it was stalled, not dead
  const grownMB = (bytes: readonly number[], at: number): number => (bytes[at]! - before[at]!) / 1e6
  return {
    figures: {
      'gateway, at the peak': grownMB(peaks, 0),
      'gateway, lasting': grownMB(lasting, 0),
      'agent, at the peak': grownMB(peaks, 1),
      'agent, lasting': grownMB(lasting, 1),
    },
  }
}

interface Reader extends AsyncDisposable {
  /** Asks, reads until there is enough, and stops reading. */
  ask(question: string, isEnough: (counter: RowCounter) => boolean): Promise<void>
  readOn(isEnough: (counter: RowCounter) => boolean): Promise<void>
}

async function reader(endpoint: Endpoint): Promise<Reader> {
  const client = await RawPostgres.connect(endpoint)
  const stream = client.detach()
  const counter = new RowCounter()
  const readOn = (isEnough: (counter: RowCounter) => boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      const take = (chunk: Buffer): void => {
        try {
          counter.take(chunk)
        } catch (error) {
          reject(error)
        }
        if (!isEnough(counter)) return
        stream.pause().removeListener('data', take)
        resolve()
      }
      stream.on('data', take).once('close', () => reject(new Error('the connection ended')))
      stream.resume()
    })
  return {
    ask: (question, isEnough) => {
      stream.write(query(question))
      return readOn(isEnough)
    },
    readOn,
    [Symbol.asyncDispose]: async () => {
      stream.destroy()
      if (!stream.closed) await once(stream, 'close')
    },
  }
}

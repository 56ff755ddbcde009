/**
 * One hop of the plainest TCP relay that Node.js can be: `node relay-process.ts HOST PORT TARGET_HOST TARGET_PORT`. It is the
 * bench's measure for a hop that does nothing.
 */
import { connect, createServer } from 'node:net'
import { pipeline } from 'node:stream'

const [host, port, targetHost, targetPort] = process.argv.slice(2)
if (host === undefined || targetHost === undefined || targetPort === undefined)
  throw new Error('from where to where?')

createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
  const target = connect({ host: targetHost, port: Number(targetPort), noDelay: true, allowHalfOpen: true })
  const over = (): void => {} // a broken half breaks the other: pipeline destroys both
  pipeline(client, target, over)
  pipeline(target, client, over)
}).listen(Number(port), host, () => process.stdout.write('listening\n'))

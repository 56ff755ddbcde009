/**
 * One hop of the plainest TCP relay that Node.js can be: `node relay-process.ts LISTEN_PORT TARGET_PORT`, both on the loopback
 * address. It is the bench's measure for a hop that does nothing.
 */
import { connect, createServer } from 'node:net'
import { pipeline } from 'node:stream'

const [listenPort, targetPort] = process.argv.slice(2).map(Number)
if (listenPort === undefined || targetPort === undefined) throw new Error('which ports?')

createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
  const target = connect({ port: targetPort, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
  const over = (): void => {} // a broken half breaks the other: pipeline destroys both
  pipeline(client, target, over)
  pipeline(target, client, over)
}).listen(listenPort, '127.0.0.1', () => process.stdout.write('listening\n'))

/**
 * `node tiny-target.ts PORT`: just enough of a PostgreSQL server for a client to log in without a password and to be idle. A real
 * one would need a process for each session, and what is measured is what the gateway and the agent need.
 */
import { createServer } from 'node:net'
import { cstring, int32, message } from '../../world/raw-messages.ts'

const parameters = {
  server_version: '18.0',
  server_encoding: 'UTF8',
  client_encoding: 'UTF8',
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  integer_datetimes: 'on',
  standard_conforming_strings: 'on',
  is_superuser: 'on',
  session_authorization: 'postgres',
  in_hot_standby: 'off',
  default_transaction_read_only: 'off',
  scram_iterations: '4096',
  application_name: '',
  search_path: 'public', // reported from 18 on: the gateway need not ask
}

const ready = message('Z', Buffer.from('I'))
const greeting = Buffer.concat([
  message('R', int32(0)),
  ...Object.entries(parameters).map(([name, value]) => message('S', cstring(name), cstring(value))),
  message('K', int32(process.pid), int32(1)),
  ready,
])

createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => {}) // a client may leave in any way
  // The start-up comes alone: whoever sends it waits for the answer. What follows is the end, which needs none.
  socket.once('data', () => socket.write(greeting))
  socket.resume()
}).listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 4096 }, () =>
  process.stdout.write('listening\n'),
)

import { functionCall, int32, parse, sync } from '../world/raw-messages.ts'
import { batch, simple, type Script, type Step } from './differential.ts'

const call = (...args: Parameters<typeof functionCall>): Step => batch(functionCall(...args))

/** Reading and writing. */
const both = '393216'

/** Large objects by function calls, as libpq and JDBC read and write them. */
export const functionCalls: Script = {
  name: 'function calls',
  steps: [
    simple('BEGIN'),
    call(715, ['4711']),
    call(715, ['4711']),
    simple('ROLLBACK'),
    simple('BEGIN'),
    call(715, [int32(4711)], { formats: [1], result: 1 }),
    call(952, ['4711', both]),
    call(955, [int32(0), Buffer.from('0123456789\0größe')], { formats: [1], result: 1 }),
    call(956, ['0', '2', '0']),
    call(954, ['0', '5']),
    call(954, ['0', int32(100)], { formats: [0, 1], result: 1 }),
    call(954, ['0', '100'], { result: 1 }),
    call(958, ['0']),
    call(3170, ['0', '-3', '2'], { result: 1 }),
    call(3171, ['0'], { result: 1 }),
    call(1004, ['0', '4']),
    call(3172, ['0', '3']),
    batch(functionCall(956, ['0', '0', '0']), parse('SELECT 1'), sync()),
    simple('ROLLBACK'),
    call(3457, ['4711', 'abc']),
    call(3458, ['4711']),
    call(3459, ['4711', '1', '1'], { result: 1 }),
    call(3460, ['4711', '0', 'xyz']),
    call(3458, ['4711'], { result: 1 }),
    call(3458, ['4712']),
    call(3458, [null]),
    call(952, ['4711', 'x']),
    call(952, ['4711']),
    call(952, ['4711', both, '1']),
    call(952, ['4711', both], { formats: [0, 0, 0] }),
    call(952, ['4711', both], { formats: [7] }),
    call(952, ['4711', both], { result: 7 }),
    call(952, [int32(4711), Buffer.from('x')], { formats: [1] }),
    call(953, ['0']),
    call(964, ['4711']),
    call(964, ['4711']),
    simple('BEGIN'),
    simple('SELECT 1/0'),
    call(952, ['4711', both]),
    simple('ROLLBACK'),
    simple('SELECT count(*) FROM pg_largeobject_metadata'),
  ],
}

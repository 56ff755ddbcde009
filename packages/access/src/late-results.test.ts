import { Fault, type OperationId, type RecordingEvent } from '@sallyport/core'
import { expect, test } from 'vitest'
import { LateResults } from './late-results.ts'

function recorder(taken: string[], append: (event: RecordingEvent) => void = () => {}) {
  return new LateResults({
    append(event) {
      append(event)
      taken.push('id' in event ? `${event.kind} ${event.id}` : event.kind)
    },
    commit: () => void taken.push('commit'),
    durable: () => Promise.resolve(void taken.push('durable')),
    close: () => Promise.resolve(void taken.push('close')),
  })
}

const operation = (id: number): RecordingEvent => ({
  kind: 'operation',
  id: id as OperationId,
  text: '',
  parameters: [],
  facts: [],
  effect: 'allow',
  policies: [],
})
const result = (id: number): RecordingEvent => ({
  kind: 'result',
  id: id as OperationId,
  outcome: { status: 'done', rows: 0, sizeBytes: 0, maskedValues: 0, maskedColumns: [] },
  durationMs: 0,
})

test('a result is taken down after whatever runs now, and before whatever is recorded next', async () => {
  const taken: string[] = []
  const late = recorder(taken)
  late.append(operation(1))
  late.append(result(1))
  expect(taken).toEqual(['operation 1'])
  late.append(operation(2))
  late.append(result(2))
  expect(taken).toEqual(['operation 1', 'result 1', 'operation 2'])
  late.commit()
  expect(taken.slice(3)).toEqual(['result 2', 'commit'])
  late.append(result(3))
  await Promise.resolve()
  expect(taken.slice(5)).toEqual(['result 3'])
  late.append(result(4))
  await late.close()
  expect(taken.slice(6)).toEqual(['result 4', 'close'])
})

test('a result that cannot be recorded is a fault of whatever comes next', async () => {
  const late = recorder([], (event) => {
    if (event.kind === 'result') throw new Fault('gateway/cannot-record', 'full')
  })
  late.append(result(1))
  await Promise.resolve()
  expect(() => late.append(operation(2))).toThrow('full')
  expect(() => late.commit()).toThrow('full')
})

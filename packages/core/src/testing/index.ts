export { FakeClock } from './fake-clock.ts'
export { FakeSession, fakeGate, type Asked } from './fake-gate.ts'
export { alice, bob, postgresResource } from './subjects.ts'

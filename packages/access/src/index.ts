export {
  AccessRequests,
  inUnits,
  mayBreakGlass,
  waitingStates,
  type Asked,
  type AskProblem,
  type RequestAnswered,
  type RequestAnswerProblem,
} from './access-requests.ts'
export { CurrentPolicy } from './current-policy.ts'
export type { AccessEvent, Notify } from './events.ts'
export { AccessGate, type DeviceDoor, type FailureThrottle, type GateParts } from './gate.ts'
export { KeyedInterrupts } from './interrupts.ts'
export { kill, type EndedSession } from './kill.ts'
export type { Dial, DialRequest, FindCredential, LiveSession } from './live-session.ts'
export { isOwn } from './party.ts'
export { Reviews, type Answered, type AnswerProblem, type ReviewParts } from './reviews.ts'
export type { Seen, Watching } from './watching.ts'
export { needsStepUp, type StepUpDoor } from './step-up.ts'
export { LiveSessions, type LiveSessionsParts } from './sessions.ts'

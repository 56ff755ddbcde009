export { gatewayVerdicts } from './annotations.ts'
export { checkPolicies, checkPoliciesInTurns } from './check.ts'
export {
  administratorsGroup,
  builtInPolicies,
  compilePolicies,
  type CompileInput,
  type DecisionPoint,
  type GatewayAction,
} from './decision-point.ts'
export { differenceOf } from './difference.ts'
export { explain } from './explain.ts'
export { inquire, tellStep, type Finding, type Inquiry } from './inquiry.ts'
export { runPolicyTests, type PolicyTestReport, type PolicyTestResult } from './policy-test.ts'
export { presets, type Preset } from './presets.ts'
export { PolicyError, type PolicyProblem, type PolicyText } from './problem.ts'
export { Simulation, type ChangeGroup, type RecordedSession, type SimulationReport } from './simulation.ts'
export { NotAsked } from './stated-facts.ts'
export type { ProtocolVocabulary } from './vocabulary.ts'

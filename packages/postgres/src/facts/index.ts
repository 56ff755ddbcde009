export type {
  Analysis,
  AnalysisContext,
  CopyAnalysis,
  InnerStatement,
  OutputColumn,
  SessionEffect,
  StatementAnalysis,
} from './analysis.ts'
export { Analyzer } from './analyzer.ts'
export { parserLimits, type ParserLimits } from './limits.ts'
export { parseSearchPath } from './names.ts'
export { Parser } from './parser.ts'
export { viewTracer } from './views.ts'

import type { Applier } from '../../apply/applier.ts'
import type { NounRoutes } from '../implementation.ts'

export function applyRoutes(applier: Applier): NounRoutes<'apply'> {
  return { documents: (request, { caller }) => applier.apply(caller.subject, request) }
}

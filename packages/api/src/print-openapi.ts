import { openApiDocument } from './openapi.ts'

// `pnpm openapi` in this package writes the committed document anew.
process.stdout.write(`${JSON.stringify(openApiDocument('v1'), undefined, 2)}\n`)

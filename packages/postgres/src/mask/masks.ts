import type { Masking } from '@sallyport/core'
import type { Catalog } from '../catalog/catalog.ts'
import { ClientEncoding } from '../client-encoding.ts'
import type { CopyAnalysis, OutputColumn } from '../facts/analysis.ts'
import type { CopyMask, Masks, RowMask } from '../masks.ts'
import { toNull, type CellMask } from './cell.ts'
import { PlannedCopyMask } from './copy.ts'
import { Planner } from './plan.ts'
import { inEncoding, recoded } from './recoded.ts'
import { PlannedRowMask } from './row.ts'
import { type } from './types.ts'

/** Masks for a session. @param key for redactors that must be stable and unguessable */
export function masksFor(
  masking: Masking,
  catalog: Catalog,
  key: Uint8Array,
  encoding = new ClientEncoding('UTF8', 'UTF8'),
): Masks {
  const planner = new Planner(masking, catalog, key)
  return {
    rows(fields, outputs, masked): RowMask | undefined {
      const known = Array.isArray(outputs) && outputs.length === fields.length ? outputs : undefined
      const columns = fields.map((field, i) => {
        const output = outputs === 'untainted' ? untainted : (known?.[i] ?? 'unknown')
        const treatment = planner.treat(output, planner.told(field), masked)
        const written = catalog.snapshot.writtenAs({ oid: field.typeOid, typmod: field.typmod })
        const cell = planner.cell(treatment, written, field.format, masked)
        return {
          name: field.name,
          cell: cell && inEncoding(cell, encoding.current, written.oid, field.format),
        }
      })
      return columns.some(({ cell }) => cell !== undefined) ? new PlannedRowMask(columns) : undefined
    },

    copy(copy, response, masked): CopyMask | undefined {
      const outputs =
        copy !== undefined && copy.outputs !== 'unknown' && copy.outputs.length === response.columns
          ? copy.outputs
          : undefined
      const coding = copy?.encoding === undefined ? encoding.current : encoding.named(copy.encoding)
      const cells = Array.from({ length: response.columns }, (_, i): CellMask | undefined => {
        const treatment = planner.treat(outputs?.[i] ?? 'unknown', [], masked)
        if (treatment.kind === 'hide') return toNull
        // COPY tells no types. Those of columns are known; what else there is, detectors look at as text.
        const column = treatment.kind === 'redact' ? outputs?.[i]?.column : undefined
        if (column !== undefined) {
          const cell = planner.cell(treatment, column.type, response.format, masked)
          return cell && response.format === 1 ? inEncoding(cell, coding, column.type.oid, 1) : cell
        }
        const cell = planner.cell(treatment, anyText, 0, masked)
        if (cell === undefined || response.format === 0) return cell
        // Bytes that are no text hold nothing that a detector looks for.
        return (bytes, from, to) => {
          const text = coding.decode(bytes.subarray(from, to))
          return text === undefined ? undefined : recoded(cell, text, coding)
        }
      })
      if (!cells.some((cell) => cell !== undefined)) return undefined
      const names = cells.map((_, i) => outputs?.[i]?.name ?? `column ${i + 1}`)
      return new PlannedCopyMask(copy ?? unknownCopy(response.format), names, cells, coding)
    },
  }
}

const untainted: OutputColumn = { name: '', tags: [], column: undefined }
const anyText = { oid: type.text, typmod: -1 }

/** A COPY whose statement is not known: by the server's word on its format alone, in the default form. */
function unknownCopy(format: number): CopyAnalysis {
  return {
    direction: 'out',
    format: format === 1 ? 'binary' : 'text',
    delimiter: '\t',
    nullText: '\\N',
    quote: '"',
    escape: '"',
    hasHeader: false,
    forceQuote: [],
    outputs: 'unknown',
  }
}

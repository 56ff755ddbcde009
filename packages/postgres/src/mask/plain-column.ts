import type { Redactor } from '@sallyport/core'
import type { Scrubber } from '@sallyport/masking'
import type { ValueType } from '../catalog/snapshot.ts'

/** A plain column, and how its values are to be shown. */
export interface PlainColumn {
  readonly redactor: Redactor
  readonly type: ValueType
  readonly format: number
  readonly key: Uint8Array
  /** Detectors whose finds in its texts may not be seen either. */
  readonly scrubbers: readonly Scrubber[]
}

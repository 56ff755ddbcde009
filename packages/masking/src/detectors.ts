import type { Detector } from './detector.ts'
import { card } from './detectors/card.ts'
import { email } from './detectors/email.ts'
import { iban } from './detectors/iban.ts'
import { key } from './detectors/key.ts'
import { phone } from './detectors/phone.ts'
import { ssn } from './detectors/ssn.ts'

/** Every detector, by the name that a resource's declaration uses. The order settles which find wins where two overlap. */
export const detectors: Readonly<Record<string, Detector>> = { key, email, card, iban, ssn, phone }

/** What each detector's finds are tagged as. */
export const detectorTags: Readonly<Record<string, string>> = Object.fromEntries(
  Object.values(detectors).map(({ name, tag }) => [name, tag]),
)

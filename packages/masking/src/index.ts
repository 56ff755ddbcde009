export type { Detector, Span } from './detector.ts'
export { detectors, detectorTags } from './detectors.ts'
export { defaultRedactor, redact } from './redactor.ts'
export { mayFind, scrub, type Scrubbed, type Scrubber } from './scrub.ts'

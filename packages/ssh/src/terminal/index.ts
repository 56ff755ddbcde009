export { maxHeldBytes, maxHoldMs, OutputMask, type OutputMaskParts } from './output-mask.ts'

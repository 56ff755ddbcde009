export { CommandsSeen } from './commands-seen.ts'
export { maxHeldBytes, maxHoldMs, OutputMask, type OutputMaskParts } from './output-mask.ts'

export {
  NoSuchRecording,
  type ArchiveVerification,
  type Description,
  type FindLive,
  type LiveContent,
} from './archive.ts'
export { nodeDisk, type Disk } from './disk.ts'
export { format, type RecordedEvent, type Stamp } from './event-line.ts'
export { defaultLimits, type Limits } from './limits.ts'
export type { RecoveredSession } from './log.ts'
export type { RecorderMeter } from './meter.ts'
export type { Recorder } from './recorder.ts'
export { openRecordings, type Recordings, type RecordingsOptions } from './recordings.ts'
export { keyId, type Seal, type SealState } from './seal.ts'
export type { SealLogHead } from './seal-log.ts'
export { verifyRecording, verifyRecordingStream, type Verification } from './verify.ts'
export { verifySealLog, type SealLogVerification } from './verify-seal-log.ts'

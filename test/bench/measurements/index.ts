import type { Measurement } from '../measurement.ts'
import { copies } from './copy.ts'
import { latency } from './latency.ts'
import { throughputs } from './throughput.ts'

/** In the order in which a round takes them. */
export const measurements: readonly Measurement[] = [latency, ...throughputs, ...copies]

import type { RecorderMeter } from '@sallyport/recording'
import { Counter, type Registry } from 'prom-client'
import { QuickHistogram } from './quick-histogram.ts'

/** How the recorder keeps up. hot path: plain numbers, read when somebody asks. */
export function openRecorderMeter(registry: Registry): RecorderMeter {
  const registers = [registry]
  let bytes = 0
  const writeSeconds = new QuickHistogram({
    name: 'sallyport_recorder_write_delay_seconds',
    help: 'From the first event of a batch to its being in the kernel: the gateway may die then',
    bounds: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5],
    registers,
  })
  const syncSeconds = new QuickHistogram({
    name: 'sallyport_recorder_sync_delay_seconds',
    help: 'From an event to its being on the disk: the machine may die then',
    bounds: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers,
  })
  new Counter({
    name: 'sallyport_recorder_bytes_total',
    help: 'Bytes written to the journal',
    registers,
    collect() {
      this.reset()
      this.inc(bytes)
    },
  })
  return {
    written(waitedMs, sizeBytes) {
      writeSeconds.observe(waitedMs / 1000)
      bytes += sizeBytes
    },
    synced: (waitedMs) => syncSeconds.observe(waitedMs / 1000),
  }
}

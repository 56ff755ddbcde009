import { parentPort, workerData } from 'node:worker_threads'
import { EngineSource } from './engine.ts'

/** One text in, one answer out. Whatever the engine throws ends the worker, and its instance with it. */
const engine = await new EngineSource(workerData as WebAssembly.Module).start()
parentPort?.on('message', (text: string) => parentPort?.postMessage(engine.parse(text)))

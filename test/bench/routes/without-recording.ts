/**
 * `node --import without-recording.ts …`: whoever imports the recording package gets one whose recorders forget. The product has
 * no such switch; this one exists in the bench's process alone.
 */
import { registerHooks } from 'node:module'

const forgetful = new URL('./forgetful-recordings.ts', import.meta.url).href

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === '@sallyport/recording' && context.parentURL !== forgetful
      ? { url: forgetful, shortCircuit: true, format: 'module-typescript' }
      : next(specifier, context),
})

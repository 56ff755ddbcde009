import { isRefusal, Secret } from '@sallyport/core'
import type { DeviceSignIns } from '@sallyport/identity'
import { ProblemError, refused } from '../../front/problem.ts'
import type { NounRoutes } from '../implementation.ts'
import { time } from '../views.ts'
import { signedIn, type SignInEvents } from './setup.ts'

export function deviceRoutes(devices: DeviceSignIns, events: SignInEvents): NounRoutes<'device'> {
  return {
    begin: ({ program }, { address }) => {
      const begun = devices.begin(program, address)
      if (isRefusal(begun)) throw refused(begun)
      const { url, deviceCode, userCode, expiresAtMs } = begun
      return {
        deviceCode: deviceCode.reveal(),
        userCode,
        url,
        urlWithCode: `${url}?code=${userCode}`,
        expiresAt: time(expiresAtMs),
      }
    },
    token: async ({ deviceCode }, { address }) => {
      const taken = await devices.take(new Secret(deviceCode), AbortSignal.timeout(waitMs))
      if (taken === 'pending') return { state: 'pending' }
      if (!isRefusal(taken)) {
        const view = signedIn(taken)
        events.signedIn(view.user, address)
        return { state: 'signed-in', signedIn: view }
      }
      events.signInRefused(address, taken.code)
      throw new ProblemError(taken.code === 'denied' ? 'forbidden' : 'unauthenticated', taken.reason, {
        next: taken.next,
      })
    },
  }
}

const waitMs = 20_000

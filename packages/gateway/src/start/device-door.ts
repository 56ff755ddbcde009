import type { DeviceDoor } from '@sallyport/access'
import { isRefusal } from '@sallyport/core'
import type { DeviceSignIns, Discoveries } from '@sallyport/identity'

/** Sign-ins that are completed in a browser, for clients of protocols, where they are kept in this very process. */
export function doorOf(devices: DeviceSignIns, discoveries: Discoveries): DeviceDoor {
  return {
    begin: (program, address) => devices.begin(program, address),
    wait: async (deviceCode, signal) => {
      const minted = await devices.wait(deviceCode, signal)
      return isRefusal(minted) ? minted : minted.token
    },
    discover: (address) => discoveries.discover(address),
  }
}

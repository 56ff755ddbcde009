import { spansOf, type Detector } from '../detector.ts'

/** RFC 5321 dot-strings and host names; quoted local parts are not looked for. */
const pattern =
  /[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?){1,8}/g

export const email: Detector = {
  name: 'email',
  tag: 'pii.email',
  mayOccur: (bytes) => bytes.includes(0x40),
  find: (text) => spansOf(pattern, text, (match) => /\.[A-Za-z]{2,}$/.test(match)),
}

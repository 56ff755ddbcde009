import { SignInProblem } from '../sign-in-provider.ts'
import type { XmlElement } from './xml.ts'

/** Why a response is not taken: in a few words that quote little of it. */
export function refused(why: string): SignInProblem {
  return new SignInProblem('refused', why)
}

export function isElement(element: XmlElement, namespace: string, name: string): boolean {
  return element.name === name && element.namespace === namespace
}

export function childrenOf(element: XmlElement, namespace: string, name: string): readonly XmlElement[] {
  return element.children.filter((child) => isElement(child, namespace, name))
}

/** @throws SignInProblem unless there is exactly one of that name, whatever its namespace, and it is in this one */
export function onlyChild(element: XmlElement, namespace: string, name: string): XmlElement {
  const [child, ...more] = element.children.filter((one) => one.name === name)
  if (child === undefined) throw refused(`there is no ${name} in its ${element.name}`)
  if (more.length > 0) throw refused(`there is more than one ${name} in its ${element.name}`)
  if (child.namespace !== namespace) throw refused(`its ${name} is of another namespace`)
  return child
}

/** What stands in an element that has no others in it. */
export function textOf(element: XmlElement): string {
  if (element.children.length > 0) throw refused(`there are elements in its ${element.name}`)
  return element.text
}

export function* everyElement(element: XmlElement): Iterable<XmlElement> {
  yield element
  for (const child of element.children) yield* everyElement(child)
}

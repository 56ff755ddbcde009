/** Where the pages lead that need somebody signed in. */
const pages = /^\/(device|sign-in\/program)(\?[A-Za-z0-9_=&%.~-]{0,1000})?$/

/** Where to go once signed in: one of our own pages, or the one that says that one is. Nothing that a link could say leads out of here. */
export function destinationOf(asked: string | undefined): string {
  return asked !== undefined && pages.test(asked) ? asked : '/sign-in'
}

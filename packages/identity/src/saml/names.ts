/** Namespaces and other names that SAML's messages are made of. */
export const protocol = 'urn:oasis:names:tc:SAML:2.0:protocol'
export const assertion = 'urn:oasis:names:tc:SAML:2.0:assertion'
export const metadata = 'urn:oasis:names:tc:SAML:2.0:metadata'
export const dsig = 'http://www.w3.org/2000/09/xmldsig#'
export const persistent = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent'
export const redirectBinding = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect'

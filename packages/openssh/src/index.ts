export { isInAddressList } from './address-list.ts'
export {
  isCertificateType,
  parseCertificate,
  verifyWithCertificate,
  type Certificate,
  type CertificateKind,
} from './certificate.ts'
export {
  checkCertificate,
  isPrincipal,
  type CertificateFlaw,
  type CertificateTerms,
  type CertificateVerdict,
  type GoodCertificate,
} from './check-certificate.ts'
export {
  checkHostKey,
  hostKeyAlgorithms,
  parseKnownHosts,
  type HostKeyVerdict,
  type KnownHost,
  type ShownHostKey,
} from './host-keys.ts'
export { keyLine, parseKeyLine, parseKeyText, type KeyLine } from './key-line.ts'
export { mintCertificate, permitAll, type CertificateRequest } from './mint-certificate.ts'
export {
  generatePrivateKey,
  looksLikePrivateKey,
  parsePrivateKey,
  PrivateKey,
  privateKeyFromSeed,
} from './private-key.ts'
export { fingerprint, keyTypes, parsePublicKey, type KeyType, type PublicKey } from './public-key.ts'
export {
  parseSignature,
  signatureAlgorithms,
  verifySignature,
  type Signature,
  type Touch,
} from './signature.ts'
export { parseMessageSignature, verifyMessage, type MessageSignature } from './signed-message.ts'
export { Malformed, WireReader, WireWriter } from './wire.ts'

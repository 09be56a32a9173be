/** ML-DSA-65, as key and as signature algorithm; parameters are absent (RFC 9881 §2). */
export const oidMldsa65 = '2.16.840.1.101.3.4.3.18'

/**
 * libp2p Public Key Extension (libp2p TLS specification, "libp2p Public Key Extension"): a host key and its signature
 * over the SPKI of the certificate. Exactly what a hybrid SVID needs, so that no identifier of our own is invented.
 */
export const oidHostKey = '1.3.6.1.4.1.53594.1.1'

/** id-at-commonName (RFC 5280 appendix A). */
export const oidCommonName = '2.5.4.3'

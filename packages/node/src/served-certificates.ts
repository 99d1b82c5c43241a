import type { IngressConfig } from '@postern/ingress'
import { type Certificate, loadCertificate } from '@postern/ingress/certificate'
import { reasonOf } from '@postern/protocol'
import type { CertificateFact } from './health/facts.ts'

/** Certificates that the listeners of a node show: those that were in the files when it started. */
export class ServedCertificates {
  readonly #served: ReadonlyArray<{ readonly certificate: Certificate; readonly key: string }>

  /** To be made just before the node listens. Throws what `loadCertificate` throws. */
  constructor(config: Pick<IngressConfig, 'listen'> | undefined) {
    const files = (config?.listen ?? []).flatMap(({ tls }) => (tls === undefined ? [] : [tls]))
    this.#served = files.map((each) => ({ certificate: loadCertificate(each), key: each.key }))
  }

  /** What is served, compared with what the files hold now. */
  facts(): CertificateFact[] {
    return this.#served.map(({ certificate: { digest, expiresMs, file }, key }) => {
      const fact = { file, expiresMs }
      try {
        const now = loadCertificate({ cert: file, key })
        return now.digest === digest ? fact : { ...fact, replaced: { expiresMs: now.expiresMs } }
      } catch (error) {
        return { ...fact, replaced: { reason: reasonOf(error) } }
      }
    })
  }
}

import { join } from 'node:path'

const makingMs = 10_000

/** Where {@link makeCertificate} puts what it makes, relative to the workshop's folder. */
export const certificate = { cert: 'tls.crt', key: 'tls.key', pem: 'tls.pem', name: 'localhost' }

/** Makes a certificate and its key in the workshop's folder, apart and in one file. */
export async function makeCertificate(workshop, tools) {
  const what = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-subj',
    `/CN=${certificate.name}`,
  ]
  const where = ['-keyout', join(workshop.folder, certificate.key), '-out', join(workshop.folder, certificate.cert)]
  await workshop.run(makingMs, tools.openssl.path, ['req', '-x509', '-days', '2', ...what, ...where])
  workshop.join(certificate.pem, [certificate.cert, certificate.key])
}

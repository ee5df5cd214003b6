import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { newTempDir } from './temp-dir.ts'

export const hasOpenssl = spawnSync('openssl', ['version']).status === 0
if (!hasOpenssl) {
  if (process.env.CI === 'true') throw new Error('openssl is needed to make certificates')
  console.warn('tidemark: openssl is not installed; the tests of TLS are skipped')
}

/** Authorities and certificates as `<name>.pem` and `<name>.key` in a folder, which who asked for it removes. */
export function newCertificates() {
  const dir = newTempDir()
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir.path, stdio: 'pipe' })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const file = (name: string) => join(dir.path, name)
  return {
    file,
    read: (name: string) => readFileSync(file(name)),
    remove: dir.remove,
    makeAuthority: (name: string) => {
      const own = ['-keyout', `${name}.key`, '-out', `${name}.pem`, '-subj', `/CN=${name}`]
      openssl('req', '-x509', ...newKey, '-days', '2', ...own)
    },
    /** One that expired yesterday with `days` -1. */
    makeCertificate: (name: string, subject: string, authority: string, days = 2) => {
      openssl('req', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', subject)
      const by = ['-CA', `${authority}.pem`, '-CAkey', `${authority}.key`, '-CAcreateserial']
      openssl('x509', '-req', '-in', `${name}.csr`, ...by, '-days', `${days}`, '-out', `${name}.pem`)
    },
  }
}

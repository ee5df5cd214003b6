import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../../bench/services/free-port.ts'
import { bench, benchDeviceId } from '../../simulators/bench.ts'
import { verify } from '../../simulators/verify.ts'
import { type PlatformProcess, startPlatformProcess } from '../support/platform-process.ts'
import { newTempDir } from '../support/temp-dir.ts'

const hasOpenssl = spawnSync('openssl', ['version']).status === 0
if (!hasOpenssl) {
  if (process.env.CI === 'true') throw new Error('openssl is needed to make certificates')
  console.warn('tidemark: openssl is not installed; the test of load over TLS is skipped')
}

describe.skipIf(!hasOpenssl)('against the platform', () => {
  const dir = newTempDir()
  let platform: PlatformProcess
  let tlsPort: number

  beforeAll(async () => {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', 'key.pem']
    execFileSync(
      'openssl',
      ['req', '-x509', ...key, '-out', 'cert.pem', '-days', '2', '-subj', '/CN=localhost'],
      {
        cwd: dir.path,
        stdio: 'pipe',
      },
    )
    tlsPort = await freePort()
    const tls = ['--tls-cert', join(dir.path, 'cert.pem'), '--tls-key', join(dir.path, 'key.pem')]
    platform = await startPlatformProcess(dir.path, ['--no-demo', '--mqtts-port', String(tlsPort), ...tls])
  })
  afterAll(async () => {
    await platform?.end('SIGTERM')
    dir.remove()
  })

  // QoS 2 has two round trips and a payload of six texts: what is stored is what was acknowledged, each once.
  test.each([1, 2] as const)('load over TLS at QoS %d is stored as it was acknowledged', async (qos) => {
    const devices = 4
    const ids = Array.from({ length: devices }, (_, i) => ({ id: benchDeviceId(i), type: 'smart_meter' }))
    const ledger = join(dir.path, `ledger-${qos}.ndjson`)
    const report = await bench({
      url: `mqtts://127.0.0.1:${tlsPort}`,
      devices,
      rate: Number.POSITIVE_INFINITY,
      durationMs: 60_000,
      messagesMax: 400,
      inFlight: 20,
      qos,
      payloadBytes: 1_500,
      credentials: await platform.api.provision(ids),
      ledger,
      signal: new AbortController().signal,
    })
    expect(report).toMatchObject({
      sent: 400,
      acknowledged: 400,
      reconnects: 0,
      connections: { open: devices, refused: 0 },
    })
    expect(await verify({ ledger, api: platform.api, settleMs: 20_000 })).toMatchObject({
      acknowledged: 400,
      missing: 0,
      altered: 0,
      repeated: 0,
      pending: 0,
    })
  })
})

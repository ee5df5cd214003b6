import { request } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { startApi } from './api.ts'

/** A request of which only the beginning of the body is sent until `finish`. */
async function slowRequest(path: string, contentType: string, begun: string) {
  const api = await startApi({}, { bodyMsMax: 200 })
  const { port } = await api.http.listen('127.0.0.1', 0)
  const headers = { authorization: `Bearer ${api.adminToken}`, 'content-type': contentType }
  const sending = request({ host: '127.0.0.1', port, path: `/api/v1/${path}`, method: 'POST', headers })
  onTestFinished(() => void sending.destroy())
  let ended: string | undefined
  let text = ''
  sending.on('error', (error) => {
    ended = error.message
  })
  sending.on('response', (response) => {
    response.on('data', (chunk) => {
      text += chunk
    })
    response.on('end', () => {
      ended = String(response.statusCode)
    })
  })
  sending.write(begun)
  return { api, sending, ended: () => ended, text: () => text }
}

test('a body that does not come is not waited for', async () => {
  const { ended } = await slowRequest('devices', 'application/json', '{"id":')
  await expect.poll(ended).toBe('408')
})

test('an import may take as long as it is, each line answered as it comes', async () => {
  const { sending, ended, text } = await slowRequest(
    'devices:import',
    'application/x-ndjson',
    '{"id":"a","type":"generic"}\n',
  )
  await expect.poll(text).toContain('"id":"a","status":"created"')
  // Longer than a body may take elsewhere.
  await new Promise((resolve) => setTimeout(resolve, 500))
  expect(ended()).toBeUndefined()
  sending.end('{"id":"b","type":"generic"}\n')
  await expect.poll(text).toContain('"id":"b","status":"created"')
  await expect.poll(ended).toBe('200')
})

test('a body in time is no trouble later on', async () => {
  const { api, sending, ended } = await slowRequest('devices', 'application/json', '{"id":"a",')
  sending.end('"type":"generic"}')
  await expect.poll(ended).toBe('201')
  expect(api.devices.size).toBe(1)
})

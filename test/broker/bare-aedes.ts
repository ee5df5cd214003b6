import net, { type AddressInfo } from 'node:net'
import { Aedes, type AedesOptions } from 'aedes'
import { onTestFinished } from 'vitest'
import { type ConnectOptions, RawClient } from './raw-client.ts'

/** aedes without our layer, for the controls: each hazard is shown to happen there, so that its test is known to be able to fail. */
export async function startBareAedes(
  options: AedesOptions = {},
): Promise<{ aedes: Aedes; open(): RawClient; connect(options?: ConnectOptions): Promise<RawClient> }> {
  const aedes = await Aedes.createBroker(options)
  const server = net.createServer((socket) => void aedes.handle(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.close()
    await new Promise<void>((resolve) => aedes.close(resolve))
  })
  const { port } = server.address() as AddressInfo
  return { aedes, open: () => RawClient.open(port), connect: (connect) => RawClient.connect(port, connect) }
}

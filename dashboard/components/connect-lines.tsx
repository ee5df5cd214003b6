import type { DeviceConnection } from '../api/types.ts'
import { useConsole } from '../state/console.ts'
import { useLoaded } from '../state/use-loaded.ts'
import { CopyBlock } from './copy-block.tsx'
import { Shown } from './notes.tsx'

/** How a device gets its readings in, as the platform tells it; its secret where it has just been made. */
export function ConnectLines({ device, secret }: { device: string; secret?: string | undefined }) {
  const { api } = useConsole()
  const connection = useLoaded(
    (signal) => api.get<DeviceConnection>(`devices/${encodeURIComponent(device)}/connect`, {}, signal),
    [],
  )
  return (
    <div class="connect">
      {secret !== undefined && <CopyBlock label="secret" text={secret} />}
      <Shown of={connection}>
        {({ host, port, tls, clientId, topic, payload, mosquittoPub, node, python }) => (
          <>
            <dl class="facts">
              <dt>Address</dt>
              <dd>
                <code>{`${tls ? 'mqtts' : 'mqtt'}://${host.includes(':') ? `[${host}]` : host}:${port}`}</code>
              </dd>
              <dt>Client id and username</dt>
              <dd>
                <code>{clientId}</code>
              </dd>
              <dt>Topic</dt>
              <dd>
                <code>{topic}</code>
              </dd>
              <dt>Payload</dt>
              <dd>
                <code>{JSON.stringify(payload)}</code>
              </dd>
            </dl>
            <CopyBlock
              label="shell, first: the secret for the lines below"
              text={`export DEVICE_SECRET='${secret ?? '…'}'`}
            />
            <CopyBlock label="shell, with mosquitto_pub" text={mosquittoPub} />
            <details>
              <summary>From a program</summary>
              <CopyBlock label="Node.js, after npm install mqtt" text={node} />
              <CopyBlock label="Python, after pip install paho-mqtt" text={python} />
            </details>
          </>
        )}
      </Shown>
    </div>
  )
}

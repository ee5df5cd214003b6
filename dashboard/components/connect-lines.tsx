import { ownConnectLines } from '../api/connect-lines.ts'
import { pageAddress } from '../page-address.ts'
import { CopyBlock } from './copy-block.tsx'

/** How a device gets its readings in: its credentials, its topic, and lines to copy. */
export function ConnectLines({ device, secret }: { device: string; secret?: string | undefined }) {
  const lines = ownConnectLines(pageAddress(), device, secret)
  return (
    <div class="connect">
      {secret !== undefined && <CopyBlock label="secret" text={secret} />}
      <dl class="facts">
        <dt>Client id and username</dt>
        <dd>
          <code>{device}</code>
        </dd>
        <dt>Topic</dt>
        <dd>
          <code>devices/{device}/telemetry</code>
        </dd>
        <dt>Payload</dt>
        <dd>
          <code>{'{"temperature_c": 21.5}'}</code>
        </dd>
      </dl>
      {lines.map(({ label, text }) => (
        <CopyBlock key={label} label={label} text={text} />
      ))}
    </div>
  )
}

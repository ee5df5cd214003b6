import { useEffect, useRef, useState } from 'preact/hooks'
import type { Device } from '../api/types.ts'
import { age, count } from '../format.ts'
import { hrefOf } from '../route.ts'
import { phoneQuery, useMedia } from '../state/use-media.ts'
import { Status } from './icons.tsx'
import { visibleRows } from './visible-rows.ts'

/** As in the styles. */
const rowPx = 40
const cardPx = 72

/** Devices as a table of which only the rows in sight are in the document: five thousand scroll as smoothly as fifty. */
export function DeviceTable({ devices }: { devices: readonly Device[] }) {
  const isPhone = useMedia(phoneQuery)
  const host = useRef<HTMLDivElement>(null)
  const [view, setView] = useState({ scrollTop: 0, heightPx: 800 })
  useEffect(() => {
    const element = host.current
    if (element === null) return undefined
    const measure = () => setView({ scrollTop: element.scrollTop, heightPx: element.clientHeight })
    measure()
    const sizes = new ResizeObserver(measure)
    sizes.observe(element)
    element.addEventListener('scroll', measure, { passive: true })
    return () => {
      sizes.disconnect()
      element.removeEventListener('scroll', measure)
    }
  }, [])
  const height = isPhone ? cardPx : rowPx
  const { first, end, beforePx, afterPx } = visibleRows(devices.length, height, view)
  const now = Date.now()
  return (
    <section
      class="rows-scroll"
      ref={host}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must scroll by keyboard
      tabIndex={0}
      aria-label={`List of ${count(devices.length)} devices`}
    >
      <table class="rows device-rows" aria-rowcount={devices.length + 1}>
        <thead>
          <tr aria-rowindex={1}>
            <th scope="col">Device</th>
            <th scope="col">Type</th>
            <th scope="col">Labels</th>
            <th scope="col">Connection</th>
            <th scope="col" class="number">
              Last seen
            </th>
          </tr>
        </thead>
        <tbody>
          {beforePx > 0 && <Spacer px={beforePx} />}
          {devices.slice(first, end).map((device, i) => (
            <tr key={device.id} aria-rowindex={first + i + 2}>
              <th scope="row">
                <a href={hrefOf('devices', device.id)}>{device.id}</a>
              </th>
              <td class="cell-type">{device.type}</td>
              <td class="cell-labels">
                <Labels labels={device.labels} />
              </td>
              <td class="cell-state">
                <Status tone={device.online ? 'ok' : 'off'}>{device.online ? 'online' : 'offline'}</Status>
              </td>
              <td class="number cell-seen">{age(device.lastSeenAt, now)}</td>
            </tr>
          ))}
          {afterPx > 0 && <Spacer px={afterPx} />}
        </tbody>
      </table>
    </section>
  )
}

function Spacer({ px }: { px: number }) {
  return (
    <tr class="spacer">
      <td colSpan={5} style={{ height: `${px}px` }} />
    </tr>
  )
}

export function Labels({ labels }: { labels: Readonly<Record<string, string>> }) {
  return (
    <>
      {Object.entries(labels).map(([name, value]) => (
        <span key={name} class="label">
          {name}={value}
        </span>
      ))}
    </>
  )
}

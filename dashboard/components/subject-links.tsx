import { hrefOf } from '../route.ts'

/** Whom an alarm is about: a device with a page of its own, a group of devices (`site=berlin`), or the platform (`$platform`). */
export function DeviceLink({ id }: { id: string }) {
  if (id === '$platform') return <>the platform</>
  return /[=$]/.test(id) ? id : <a href={hrefOf('devices', id)}>{id}</a>
}

/** The rule of an alarm; those of the platform (`platform:…`) are none that anybody could edit. */
export function RuleLink({ id }: { id: string }) {
  return id.includes(':') ? id : <a href={hrefOf('rules', id)}>{id}</a>
}

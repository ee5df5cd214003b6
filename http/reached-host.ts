import type { FastifyRequest } from 'fastify'

/** A name or an address as it may stand in a URL, and in a line of a shell. */
const hostPattern = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$|^[0-9A-Fa-f:.]{2,45}$/

/** The host under which the caller has reached HTTP, an IPv6 address without brackets. MQTT listens on the same address. */
export function reachedHost({ hostname }: Pick<FastifyRequest, 'hostname'>): string {
  const asked = hostname.replace(/^\[(.*)\]$/, '$1')
  return hostPattern.test(asked) ? asked : 'localhost'
}

/** `host` and `port` as a URL has them. */
export function authority(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

type Address = ipaddr.IPv4 | ipaddr.IPv6

/** Addresses with a prefix in common. */
export type Network = readonly [address: Address, prefixBits: number]

/** Where requests may go that a user of the platform asks it to make. */
export interface OutboundPolicy {
  /** Plain http too. */
  readonly allowHttp: boolean
  /** Networks that may be reached although they are not public. */
  readonly networks: readonly Network[]
}

const urlLengthMax = 2_048
/** What IANA gives out as global unicast; the rest of the IPv6 space is special or unassigned, `::/96` included. */
const globalUnicast: Network = [ipaddr.IPv6.parse('2000::'), 3]

/** Networks by comma, `10.20.0.0/16, fd00::/8, 127.0.0.1`; undefined when one of them is none. */
export function parseNetworks(text: string): Network[] | undefined {
  const networks: Network[] = []
  for (const part of text.split(',').map((one) => one.trim())) {
    if (part === '') continue
    const [address = '', bits, ...rest] = part.split('/')
    const version = isIP(address)
    const bitsMax = version === 4 ? 32 : version === 6 ? 128 : -1
    const prefixBits = bits === undefined ? bitsMax : /^\d{1,3}$/.test(bits) ? Number(bits) : -1
    if (rest.length > 0 || prefixBits < 0 || prefixBits > bitsMax) return undefined
    networks.push([ipaddr.parse(address), prefixBits])
  }
  return networks
}

/**
 * The range of an address that may not be reached: `private`, `loopback`, `linkLocal`, `carrierGradeNat`, `multicast` and the
 * other special ones of the IANA registries (RFC 6890). An IPv4 address that is mapped into IPv6 counts as itself; those
 * that are embedded in other ways (NAT64, 6to4, Teredo) are refused whole. Undefined when it is public or `allowed`.
 */
export function forbiddenRange(address: string, allowed: readonly Network[]): string | undefined {
  let found: Address
  try {
    found = ipaddr.process(address)
  } catch {
    return 'no address'
  }
  if (allowed.some((network) => isWithin(found, network))) return undefined
  const range = found.range()
  if (range !== 'unicast') return range
  return found.kind() === 'ipv6' && !isWithin(found, globalUnicast) ? 'unassigned' : undefined
}

/**
 * Why no request may be made to `url`, as far as the URL itself tells; undefined when nothing speaks against it. The addresses of
 * a name are known, and held against `forbiddenRange`, only once a connection is made.
 */
export function urlProblem(url: string, { allowHttp, networks }: OutboundPolicy): string | undefined {
  if (url.length > urlLengthMax) return `longer than ${urlLengthMax} characters`
  if (!URL.canParse(url)) return 'not a URL'
  const { protocol, username, password, hash } = new URL(url)
  if (protocol !== 'https:' && protocol !== 'http:') return 'not an https URL'
  if (protocol === 'http:' && !allowHttp) return 'http is not allowed: use https, or --webhook-allow-http'
  if (username !== '' || password !== '') return 'credentials have no place in it'
  if (hash !== '') return 'a fragment is never sent'
  const literal = literalAddress(new URL(url))
  const range = literal === undefined ? undefined : forbiddenRange(literal, networks)
  return range === undefined ? undefined : `${literal} may not be reached: ${range}`
}

/** The address that a URL names in place of a host: no name is looked up for it. */
export function literalAddress({ hostname }: URL): string | undefined {
  const host = hostname.replace(/^\[|\]$/g, '')
  return isIP(host) === 0 ? undefined : host
}

function isWithin(address: Address, [network, prefixBits]: Network): boolean {
  return address.kind() === network.kind() && address.match(network, prefixBits)
}

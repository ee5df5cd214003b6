/**
 * Random numbers that are functions of their names: the same (seed, device, signal, step) gives the same number, whatever
 * else is asked and in whatever order, so that adding a device to a fleet changes no other one.
 */

/** FNV-1a, 32 bits (Fowler, Noll, Vo). */
export function hash32(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

/** A stream of numbers in [0, 1) by index; the mixing is the finaliser of MurmurHash3 (Appleby). */
export function randomAt(key: number, index: number): number {
  // Two rounds over both halves of the index, which may pass 32 bits (a count of seconds does not, of milliseconds does).
  let h = mix(key ^ (index >>> 0))
  h = mix(h ^ Math.floor(index / 2 ** 32) ^ 0x9e3779b9)
  return h / 2 ** 32
}

/** A standard normal number by index (Box and Muller 1958). */
export function normalAt(key: number, index: number): number {
  const u = 1 - randomAt(key, index * 2)
  return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * randomAt(key, index * 2 + 1))
}

/** Noise that is smooth in time: normal numbers at multiples of `stepMs`, joined by straight lines. */
export function smoothNoise(key: number, timeMs: number, stepMs: number): number {
  const step = Math.floor(timeMs / stepMs)
  const share = timeMs / stepMs - step
  return normalAt(key, step) * (1 - share) + normalAt(key, step + 1) * share
}

function mix(value: number): number {
  let h = value >>> 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

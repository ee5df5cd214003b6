/** Where in a JSON text the value of a pointer (RFC 6901) begins; of one that is not there, where its nearest parent begins. */
export function placeOfPointer(text: string, pointer: string): number {
  const wanted = pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
  return new Places(text).find(wanted)
}

/** The line of a place in a text, from 1. */
export function lineOf(text: string, place: number): number {
  return text.slice(0, place).split('\n').length
}

/** Walks a text that is JSON; of one that is not, it tells a place in front of what it does not understand. */
class Places {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  find(path: readonly string[]): number {
    this.#space()
    const start = this.#at
    const [name, ...rest] = path
    if (name === undefined) return start
    const open = this.#text[this.#at]
    if (open !== '{' && open !== '[') return start
    this.#at++
    for (let index = 0; this.#at < this.#text.length; index++) {
      this.#space()
      if (this.#text[this.#at] === '}' || this.#text[this.#at] === ']') break
      const key = open === '{' ? this.#key() : String(index)
      if (key === name) return this.find(rest)
      this.#skipValue()
      this.#space()
      if (this.#text[this.#at] === ',') this.#at++
    }
    return start
  }

  #space(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++
  }

  #key(): string {
    const from = this.#at
    this.#skipString()
    const key = this.#text.slice(from + 1, this.#at - 1)
    this.#space()
    if (this.#text[this.#at] === ':') this.#at++
    return key
  }

  #skipString(): void {
    for (this.#at++; this.#at < this.#text.length; this.#at++) {
      if (this.#text[this.#at] === '\\') this.#at++
      else if (this.#text[this.#at] === '"') break
    }
    this.#at++
  }

  #skipValue(): void {
    this.#space()
    let depth = 0
    do {
      const char = this.#text[this.#at]
      if (char === '"') {
        this.#skipString()
        continue
      }
      if (char === '{' || char === '[') depth++
      else if (char === '}' || char === ']') {
        if (depth === 0) return
        depth--
      } else if (char === ',' && depth === 0) return
      this.#at++
    } while (this.#at < this.#text.length)
  }
}

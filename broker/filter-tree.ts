interface Node<V> {
  readonly children: Map<string, Node<V>>
  readonly values: Map<string, V>
}

/**
 * Values by filter and key, found by the topics that the filters match (MQTT 3.1.1, section 4.7) without asking each. A filter whose first
 * level is a wildcard matches no topic that begins with `$`, and `+` matches a level without characters too.
 */
export class FilterTree<V> {
  readonly #root: Node<V> = newNode()

  set(filter: string, key: string, value: V): void {
    let node = this.#root
    for (const level of filter.split('/')) {
      const child = node.children.get(level) ?? newNode<V>()
      node.children.set(level, child)
      node = child
    }
    node.values.set(key, value)
  }

  delete(filter: string, key: string): void {
    remove(this.#root, filter.split('/'), 0, key)
  }

  match(topic: string): V[] {
    const found: V[] = []
    collect(this.#root, topic.split('/'), 0, topic.startsWith('$'), found)
    return found
  }
}

function newNode<V>(): Node<V> {
  return { children: new Map(), values: new Map() }
}

/** True when nothing is left in the node. */
function remove<V>(node: Node<V>, levels: readonly string[], at: number, key: string): boolean {
  const level = levels[at]
  if (level === undefined) node.values.delete(key)
  else {
    const child = node.children.get(level)
    if (child !== undefined && remove(child, levels, at + 1, key)) node.children.delete(level)
  }
  return node.values.size === 0 && node.children.size === 0
}

function collect<V>(
  node: Node<V>,
  levels: readonly string[],
  at: number,
  isSystem: boolean,
  found: V[],
): void {
  const takesWildcards = !isSystem || at > 0
  // `a/#` matches `a` itself too.
  if (takesWildcards) found.push(...(node.children.get('#')?.values.values() ?? []))
  const level = levels[at]
  if (level === undefined) {
    found.push(...node.values.values())
    return
  }
  const same = level === '+' || level === '#' ? undefined : node.children.get(level)
  if (same !== undefined) collect(same, levels, at + 1, isSystem, found)
  const any = takesWildcards ? node.children.get('+') : undefined
  if (any !== undefined) collect(any, levels, at + 1, isSystem, found)
}

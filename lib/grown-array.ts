type NumberArray = Float64Array | Uint32Array | Uint16Array

/** The same numbers in an array of `length`, which is larger; zeros after them. */
export function grownArray<A extends NumberArray>(numbers: A, length: number): A {
  const grown = new (numbers.constructor as new (length: number) => A)(length)
  grown.set(numbers)
  return grown
}

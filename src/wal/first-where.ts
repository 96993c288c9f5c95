/** The first number from `from` to before `to` that has what all after it have; `to` where there is none. A binary search. */
export function firstWhere(from: number, to: number, has: (number: number) => boolean): number {
  let low = from;
  for (let high = to; low < high; ) {
    const middle = (low + high) >>> 1;
    if (has(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The two functions used of a package that has no types. Needed to compile only: no public declaration refers to it. */
declare module 'fs-native-extensions' {
  /** Takes an exclusive lock on the whole file; false where someone else holds one. The descriptor must be writable. */
  export function tryLock(descriptor: number): boolean;
  export function unlock(descriptor: number): void;
}

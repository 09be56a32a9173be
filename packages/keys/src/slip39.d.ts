/** What share-backup.ts uses of slip39, which ships no types. */
declare module 'slip39' {
  interface Slip39 {
    fromArray(
      secret: number[],
      options: { passphrase: string; threshold: number; groups: [number, number][]; title: string },
    ): { fromPath(path: string): { mnemonics: string[] } }
    recoverSecret(shares: string[], passphrase: string): number[]
  }
  const slip39: Slip39
  export default slip39
}

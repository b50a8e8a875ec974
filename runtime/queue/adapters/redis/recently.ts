/** The latest of a stream of names; a name that has been forgotten is new again. */
export class Recently {
  private young = new Set<string>();
  private old = new Set<string>();

  constructor(private readonly most: number) {}

  has(name: string): boolean {
    return this.young.has(name) || this.old.has(name);
  }

  /** False when it is known. */
  add(name: string): boolean {
    if (this.has(name)) return false;
    this.young.add(name);
    if (this.young.size >= this.most) {
      this.old = this.young;
      this.young = new Set();
    }
    return true;
  }
}

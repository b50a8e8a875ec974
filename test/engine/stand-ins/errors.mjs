/** What a cloud answers instead of doing something. `left` is what exists all the same: {id, inputs, outputs}. */
export class Refusal extends Error {
  constructor(message, left) {
    super(message);
    this.left = left;
  }
}

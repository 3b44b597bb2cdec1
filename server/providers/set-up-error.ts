/**
 * What a provider and this site's configuration do not agree on: nothing that another try would change. Its message is
 * for whoever runs the site, and holds no secret.
 */
export class SetUpError extends Error {
  override readonly name: string = 'SetUpError'
}

/** The key that shows who we are signs by nothing that the provider takes. */
export class UnfitKey extends SetUpError {
  override readonly name = 'UnfitKey'
}
